"""Searches whose results are looked up where the same was searched before."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from shoptalk.cache import Cache, digest, digest_texts
from shoptalk.retrieval.ranked import Ranked

_VERSION = 1
"""Of what ``dense``, ``index`` and ``bm25`` find."""


class CachedSearch:
    """A search over one corpus through the cache; never over weights in training.

    Args:
        opened: gives the search, a ``Dense`` or ``BM25``; called afresh for all that must be searched, so that the
            notices of a search are its own.
        identity: hash of all that determines what is found, beside the queries and ``k``.

    Attributes:
        notices: what the searches so far have told, each sentence once.
    """

    def __init__(self, opened: Callable[[], Any], identity: str, cache: Cache):
        self._opened, self.identity, self.cache = opened, identity, cache
        self.notices: list[str] = []

    def __call__(self, queries: Sequence[str], k: int) -> Ranked:
        """The ``k`` best corpus rows per query."""
        key = digest("ranked", _VERSION, self.identity, digest_texts(queries), k)
        folder = self.cache.folder("ranked", key, lambda work: self._search(work, queries, k))
        told = json.loads((folder / "notices.json").read_text())
        self.notices += [notice for notice in told if notice not in self.notices]
        rows, scores = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("rows", "scores"))
        return Ranked(rows.astype(np.int64), scores)

    def score(self, queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """Score of corpus row rows[i, j] for queries[i], float32 [n, j]; worked out anew."""
        return self._scoring.score(queries, rows)

    @cached_property
    def _scoring(self) -> Any:
        return self._opened()

    def _search(self, work: Path, queries: Sequence[str], k: int) -> None:
        search = self._opened()
        found = search(queries, k)
        np.save(work / "rows.npy", found.rows.astype(np.int32), allow_pickle=False)
        np.save(work / "scores.npy", found.scores, allow_pickle=False)
        (work / "notices.json").write_text(json.dumps(list(getattr(search, "notices", ()))))
