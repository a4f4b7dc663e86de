"""What a source yielded as files, and back, equal in all but that nothing is left to work out."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.sources.pairs import Yielded

_TABLES = ("pairs", "negatives", "rejected")
_FACTS = ("counts", "notices", "simulated", "unlabelled")


def write(folder: Path, found: Yielded, said: Sequence[str], reports: Any = None) -> None:
    """Everything of ``found``, its report worked out, and what was ``said`` while it was read.

    Args:
        reports: ``write(diagnosis, folder)`` and ``read(folder)`` of what ``found.diagnosis`` gives.
    """
    for name in _TABLES:
        if (table := getattr(found, name)) is not None:
            table.write_parquet(folder / f"{name}.parquet")
    if found.documents is not None:
        columns = {name: list(getattr(found.documents, name)) for name in ("ids", "titles", "texts")}
        pl.DataFrame(columns, dict.fromkeys(columns, pl.String)).write_parquet(folder / "documents.parquet")
    if found.removed_rows is not None:
        shutil.copyfile(found.removed_rows, folder / "removed_rows.parquet")
    if found.diagnosis is not None:
        (folder / "diagnosis").mkdir()
        reports.write(found.diagnosis(), folder / "diagnosis")
    facts = {name: getattr(found, name) for name in _FACTS}
    facts |= {"said": list(said), "quality": found.quality and found.quality()}
    (folder / "facts.json").write_text(json.dumps(facts))


def read(folder: Path, reports: Any = None) -> tuple[Yielded, list[str]]:
    """What ``write`` wrote, and what was said."""
    facts = json.loads((folder / "facts.json").read_text())
    said, quality = facts.pop("said"), facts.pop("quality")
    tables = {name: _table(folder, name) for name in (*_TABLES, "documents")}
    documents, removed, place = tables.pop("documents"), folder / "removed_rows.parquet", folder / "diagnosis"
    found = Yielded(
        **tables,
        **facts,
        documents=None if documents is None else Corpus(*(column.to_list() for column in documents)),
        removed_rows=removed if removed.exists() else None,
        diagnosis=_given(reports.read(place)) if place.exists() else None,
        quality=None if quality is None else _given(quality),
    )
    return found, said


def _table(folder: Path, name: str) -> pl.DataFrame | None:
    path = folder / f"{name}.parquet"
    return pl.read_parquet(path) if path.exists() else None


def _given(value: Any) -> Callable[[], Any]:
    return lambda: value
