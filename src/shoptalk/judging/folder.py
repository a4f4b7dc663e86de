"""The folder of one set of queries to judge: what was drawn, what was pooled, and who graded what."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError

FACTS, SAMPLE, POOL, GRADES = "judging.json", "sample.parquet", "pool.parquet", "grades"
_FIXED = ("domain", "corpus", "seed", "sampling", "log", "queries", "judged")


class Folder:
    """A set that was drawn.

    Attributes:
        path: where it lies.
        facts: how it was drawn, the ``arms`` pooled so far, and the first ``judge``.
    """

    def __init__(self, path: Path):
        self.path = path
        self.facts: dict[str, Any] = json.loads((path / FACTS).read_text())

    @classmethod
    def opened(cls, path: Path, facts: Mapping[str, Any]) -> "Folder | None":
        """The set that lies there, or ``None`` where there is none yet.

        Raises:
            InputError: it was drawn with other options, or the folder holds something else.
        """
        if not (path / FACTS).is_file():
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise InputError(f"out={path} holds something else; give a new folder, or one that judge has made.")
            return None
        found = cls(path)
        for name in _FIXED:
            was, now = found.facts.get(name), facts[name]
            if was != now and name == "corpus":
                raise InputError(f"out={path} was drawn over other documents; give another out.")
            if was != now:
                was, now = ("none" if value is None else value for value in (was, now))
                raise InputError(f"out={path} was drawn with {name}={was}, not {now}; give that, or another out.")
        return found

    @classmethod
    def made(cls, path: Path, facts: Mapping[str, Any], sample: pl.DataFrame, corpus: Corpus) -> "Folder":
        """A new set, with its documents as BEIR has them, whole or not at all.

        Raises:
            InputError: the disk refuses.
        """
        whole = path.absolute()
        work = whole.with_name(f".{whole.name}.making")
        with told(path):
            shutil.rmtree(work, ignore_errors=True)  # of a program that was ended meanwhile
            (work / GRADES).mkdir(parents=True)
            sample.write_parquet(work / SAMPLE)
            with open(work / "corpus.jsonl", "w", encoding="utf-8") as out:
                for doc_id, title, text in zip(corpus.ids, corpus.titles, corpus.texts, strict=True):
                    out.write(json.dumps({"_id": doc_id, "title": title, "text": text}) + "\n")
            (work / FACTS).write_text(json.dumps({**facts, "arms": {}}, indent=1) + "\n")
            os.replace(work, path)
        return cls(path)

    @cached_property
    def sample(self) -> pl.DataFrame:
        """As of ``Sampling.draw``."""
        return pl.read_parquet(self.path / SAMPLE)

    @property
    def pool(self) -> dict[str, list[str]]:
        """Query id to the ids of its documents, in the order in which they are shown."""
        if not (self.path / POOL).is_file():
            return {}
        table = pl.read_parquet(self.path / POOL)
        return dict(zip(table["query_id"].to_list(), table["doc_ids"].to_list(), strict=True))

    def with_pool(self, pool: Mapping[str, Sequence[str]], arms: Mapping[str, Any]) -> None:
        """Keep ``pool``, and which ``arms`` it is of."""
        columns = {"query_id": list(pool), "doc_ids": list(map(list, pool.values()))}
        table = pl.DataFrame(columns, schema={"query_id": pl.String, "doc_ids": pl.List(pl.String)})
        with told(self.path):
            table.write_parquet(self.path / f".{POOL}")
            os.replace(self.path / f".{POOL}", self.path / POOL)
            self.facts["arms"] = dict(arms)
            with replaced(self.path / FACTS) as out:
                out.write(json.dumps(self.facts, indent=1) + "\n")

    def journal(self, judge: str) -> Path:
        """Where the grades of ``judge`` lie."""
        return self.path / GRADES / f"{judge}.jsonl"

    def judges(self) -> list[str]:
        """Who has graded so far, the first judge first."""
        names = sorted(path.stem for path in (self.path / GRADES).glob("*.jsonl"))
        return sorted(names, key=lambda name: name != self.facts["judge"])


def check_name(judge: object) -> None:
    """Refuse a ``judge`` whose name cannot be a file's."""
    if not isinstance(judge, str) or not re.fullmatch(r"\w[\w.-]{0,39}", judge):
        raise InputError(f"judge={judge} is not possible; give a name of at most 40 letters, digits, dots and dashes.")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What the disk refuses, as a sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(f"out={path} cannot be written ({error.strerror or error}); give another folder.") from error


@contextmanager
def replaced(path: Path) -> Iterator[Any]:
    """A text file that is there as a whole or not at all."""
    work = path.with_name(f".{path.name}")
    with open(work, "w", encoding="utf-8") as out:
        yield out
    os.replace(work, path)
