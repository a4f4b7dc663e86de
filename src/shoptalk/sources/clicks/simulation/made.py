"""What a simulated world brought forth, as the rows of a log, and the truth behind them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from shoptalk.domain.judgments import Domain
from shoptalk.sources.clicks.simulation.behaviour import Behaviour
from shoptalk.sources.clicks.simulation.searches import Searches, respellings

CHUNK = 20_000
"""Searches whose rows are held at a time."""


@dataclass(frozen=True)
class Made:
    """All searches in order of time.

    Attributes:
        rankers: their names, by code. searches: who searched for what.
        rows: int64 [searches, list_length], the documents shown as corpus rows, -1 where a list ends.
        done: what the searchers did. following: string [searches], what they try next if they try again.
    """

    domain: Domain
    rankers: Sequence[str]
    searches: Searches
    rows: np.ndarray
    done: Behaviour
    following: pl.Series

    def log(self, chosen: np.ndarray | slice = slice(None)) -> pl.DataFrame:
        """One row per document shown in the ``chosen`` searches, columns as in ``log.COLUMNS``."""
        per_search = self._per_search[chosen]
        search, slot = np.nonzero(self.rows[chosen] >= 0)
        clicked = self.done.clicked[chosen][search, slot]
        click_ts = self.searches.ts_ms[chosen][search] + self.done.click_ms[chosen][search, slot]
        per_row = pl.DataFrame(
            {
                "doc_id": self._doc_ids.gather(self.rows[chosen][search, slot]),
                "position": (slot + 1).astype(np.int16),
                "clicked": clicked,
                "click_ts_ms": pl.Series(click_ts).set(pl.Series(~clicked), None),
                "dwell_s": pl.Series(self.done.dwell_s[chosen][search, slot]).fill_nan(None),
                "last_click": self.done.last[chosen][search, slot],
            }
        )
        return pl.concat([per_search[search], per_row], how="horizontal")

    def chunks(self, size: int = CHUNK) -> Iterator[pl.DataFrame]:
        """``log()`` in parts of ``size`` searches, in order of time."""
        for start in range(0, len(self.rows), size):
            yield self.log(slice(start, start + size))

    def whole_sessions(self, size: int = CHUNK) -> Iterator[pl.DataFrame]:
        """``log()`` in parts of about ``size`` searches, the searches of a session side by side and in one part."""
        _, first, session = np.unique(self.searches.session, return_index=True, return_inverse=True)
        began = first[session]
        order = np.argsort(began, kind="stable")
        starts = np.flatnonzero(np.diff(began[order], prepend=-1))
        wanted = np.arange(size, len(order), size)
        cuts = starts[np.searchsorted(starts, wanted[wanted <= starts[-1]])]
        for chosen in np.split(order, np.unique(cuts)):
            yield self.log(chosen)

    def truth(self) -> pl.DataFrame:
        """One row per intent and relevant document: ``intent_id``, ``query``, ``doc_id``, ``times_asked``
        (searches) and ``times_shown`` (lists that held the document)."""
        intents, index = self.domain.intents, self.domain.corpus.index
        times_asked = np.bincount(self.searches.query, minlength=len(intents))
        size = len(self.domain.corpus) + 1
        lists = np.repeat(self.searches.query, self.rows.shape[1]) * size + self.rows.ravel() + 1
        keys, times = np.unique(lists, return_counts=True)
        told = [(row, d) for row, doc_ids in enumerate(intents.positives()) for d in doc_ids if d in index]
        wanted = np.array([row * size + index[d] + 1 for row, d in told], dtype=np.int64)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return pl.DataFrame(
            {
                "intent_id": [intents.ids[row] for row, _ in told],
                "query": [intents.texts[row] for row, _ in told],
                "doc_id": [d for _, d in told],
                "times_asked": times_asked[[row for row, _ in told]],
                "times_shown": np.where(keys[place] == wanted, times[place], 0),
            }
        )

    @cached_property
    def _per_search(self) -> pl.DataFrame:
        searches, done = self.searches, self.done
        spelt = respellings(self.domain.intents.texts)
        typed = searches.spelling.astype(np.int64) * len(self.domain.intents) + searches.query
        return pl.DataFrame(
            {
                "impression_id": keys("impression", len(self.rows)),
                "ts_ms": searches.ts_ms,
                "query_raw": pl.Series(spelt).gather(typed),
                "session_id": keys("session", int(searches.session.max()) + 1).gather(searches.session),
                "user_key": keys("user", int(searches.user.max()) + 1).gather(searches.user),
                "ranker_id": pl.Series(self.rankers).gather(searches.ranker),
                "is_bot": searches.flagged,
                "next_query": self.following.set(pl.Series(~done.reformulated), None),
                "next_query_gap_s": pl.Series(done.gap_s).fill_nan(None),
            }
        )

    @cached_property
    def _doc_ids(self) -> pl.Series:
        return pl.Series(list(self.domain.corpus.ids))


def keys(kind: str, count: int) -> pl.Series:
    """Opaque identifiers, one per code."""
    return pl.Series([hashlib.blake2b(f"{kind} {n}".encode(), digest_size=8).hexdigest() for n in range(count)])
