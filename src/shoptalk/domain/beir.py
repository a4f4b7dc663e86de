"""Any collection in the BEIR folder layout."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from shoptalk.cache import Cache, digest
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.domain.log import log_path
from shoptalk.domain.qrels import read_qrels, read_queries
from shoptalk.domain.tables import READERS, read_corpus
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError, existing_folder

_STREAM = 0xBE1
MOST_VALUES = 20
"""A field of ``metadata`` with more values in a split, but for ``query_kind``, tells queries apart too finely."""
NO_DEV = "The domain has no dev split: training takes a fixed number of steps, without early stopping or sweeps."


class Beir:
    """A folder with a corpus, ``queries.jsonl`` and ``qrels/{train,dev,test}.tsv``; only ``test`` must be there.

    The corpus is ``corpus.jsonl``, ``corpus.parquet`` or ``corpus.csv``, the first that exists. A missing
    ``dev`` is carved from ``train``; without ``train`` there is none. String fields of a query's ``metadata`` become
    columns to slice by. The layout is that of the BEIR benchmark (Thakur et al. 2021).

    Args:
        path: the folder.
        seed: determines which training queries a carved ``dev`` takes, and nothing else.
        dev_share: their share, above 0 and below 1.
        dev_max: the most of them.
        log: a click log over these documents.
    """

    def __init__(self, path: str, seed: int = 0, dev_share: float = 0.2, dev_max: int = 300, log: str | None = None):
        if not isinstance(path, str) or not path:
            raise InputError(f"domain.path={path} is not possible; give the folder of the collection.")
        for name, value, least in (("seed", seed, 0), ("dev_max", dev_max, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"domain.{name}={value} is not possible; give a whole number of {least} or more.")
        if isinstance(dev_share, bool) or not isinstance(dev_share, int | float) or not 0 < dev_share < 1:
            raise InputError(f"domain.dev_share={dev_share} is not possible; give a number above 0 and below 1.")
        self.path, self.seed, self.dev_share, self.dev_max, self.log = path, seed, dev_share, dev_max, log

    def load(self, cache: Cache) -> Domain:
        """The domain; nothing of it is cached.

        Raises:
            InputError: something is missing, malformed, contradictory or empty; the sentence says where.
        """
        folder = existing_folder("domain.path", self.path, "a BEIR collection")
        corpus, queries = read_corpus(_corpus_file(folder)), read_queries(_existing(folder / "queries.jsonl"))
        _existing(folder / "qrels" / "test.tsv")
        counts, notices = Counter(documents=len(corpus), queries=len(queries)), []
        splits = {}
        for name in ("train", "dev", "test"):
            path = folder / "qrels" / f"{name}.tsv"
            if path.exists():
                splits[name] = _split(path, queries, corpus, counts, notices)
        self._complete(splits, counts, notices)
        judged = {query_id for split in splits.values() for query_id in split.ids}
        counts["queries_in_no_split"] = len(queries.keys() - judged)
        parts = [[s, split.ids, split.texts, split.qrels] for s, split in sorted(splits.items())]
        identity = digest("beir", corpus.digest, parts)
        name, log = folder.resolve().name, log_path(self.log)
        return Domain(name, corpus, splits, log=log, counts=dict(counts), notices=notices, identity=identity)

    def _complete(self, splits: dict[str, Judged], counts: Counter, notices: list[str]) -> None:
        """Carve ``dev`` from ``train``, all spellings of a query on one side, or say that there is none."""
        if "dev" in splits:
            return
        train = splits.get("train")
        if train is None:
            notices.append(NO_DEV)
            return
        spellings = list(dict.fromkeys(map(normalise, train.texts)))
        if len(spellings) < 2:
            notices.append(NO_DEV)
            return
        wanted = min(max(round(len(spellings) * self.dev_share), 1), self.dev_max, len(spellings) - 1)
        order = np.random.default_rng([_STREAM, self.seed]).permutation(len(spellings))
        held = {spellings[at] for at in order[:wanted]}
        sides = [normalise(text) in held for text in train.texts]
        splits["dev"] = train.take([row for row, side in enumerate(sides) if side])
        splits["train"] = train.take([row for row, side in enumerate(sides) if not side])
        counts["dev_carved_from_train"] = len(splits["dev"])
        notices.append(
            f"There is no qrels/dev.tsv: {len(splits['dev']):,} queries of train, chosen by domain.seed, are dev."
        )


def _corpus_file(folder: Path) -> Path:
    for suffix in READERS:
        if (folder / f"corpus{suffix}").is_file():
            return folder / f"corpus{suffix}"
    raise InputError(f"{folder} lacks a corpus; put corpus.jsonl, corpus.parquet or corpus.csv there.")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} does not exist; a BEIR collection needs that file.")
    return path


def _split(
    path: Path, queries: Mapping[str, tuple[str, dict[str, str]]], corpus: Corpus, counts: Counter, notices: list[str]
) -> Judged:
    """The split of one qrels file, in the order of ``queries.jsonl``; queries nothing answers are left out."""
    qrels = read_qrels(path, queries, corpus.index)
    counts[f"judgments_{path.stem}"] = sum(map(len, qrels.values()))
    ids = [query_id for query_id in queries if any(qrels.get(query_id, {}).values())]
    if unanswered := len(qrels) - len(ids):
        counts[f"removed_unanswered_{path.stem}"] = unanswered
        notices.append(f"{path}: {unanswered:,} queries without a grade above 0 are left out.")
    if not ids:
        raise InputError(f"{path}: no query has a document with a grade above 0; give at least one.")
    columns = _columns([queries[query_id][1] for query_id in ids], path, notices)
    return Judged(ids, [queries[q][0] for q in ids], {q: qrels[q] for q in ids}, columns)


def _columns(fields: Sequence[Mapping[str, str]], path: Path, notices: list[str]) -> dict[str, list[str | None]]:
    """Name to one value per query, for the fields that slice."""
    columns = {name: [one.get(name) for one in fields] for name in dict.fromkeys(n for one in fields for n in one)}
    for name, values in list(columns.items()):
        if name != "query_kind" and (count := len(set(values) - {None})) > MOST_VALUES:
            del columns[name]
            notices.append(f"{path}: queries have {count:,} values of {name!r}, more than {MOST_VALUES}; no slices.")
    return columns
