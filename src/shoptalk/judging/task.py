"""What one judge is to grade, and how far that is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from shoptalk.errors import InputError
from shoptalk.judging.journal import Said


@dataclass(frozen=True)
class Task:
    """Queries in the order in which they are graded, and their documents in the order in which they are shown.

    Attributes:
        texts: query id to text. documents: query id to document ids.
    """

    texts: Mapping[str, str]
    documents: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, sample: pl.DataFrame, pool: Mapping[str, Sequence[str]], share: float = 1.0) -> "Task":
        """The first ``share`` of the sample, at least one query: its order is random, so these are a sample too."""
        part = sample.head(max(1, round(share * sample.height)))
        texts = dict(part.select("query_id", "query").iter_rows())
        return cls(texts, {query_id: pool[query_id] for query_id in texts})

    def left(self, said: Said, query_id: str) -> int:
        """Documents of a query that have no grade yet."""
        return sum((query_id, doc_id) not in said.grades for doc_id in self.documents[query_id])

    def state(self, said: Said, query_id: str) -> str:
        """``skipped``, ``graded`` (all of its documents), ``begun`` or ``waiting``."""
        if query_id in said.skipped:
            return "skipped"
        left = self.left(said, query_id)
        if not left:
            return "graded"
        return "begun" if left < len(self.documents[query_id]) else "waiting"

    def states(self, said: Said) -> dict[str, list[str]]:
        """State to the ids of its queries."""
        found: dict[str, list[str]] = {"graded": [], "begun": [], "waiting": [], "skipped": []}
        for query_id in self.texts:
            found[self.state(said, query_id)].append(query_id)
        return found


def share_of(overlap: float) -> float:
    """``overlap``, where it is a share above 0."""
    if isinstance(overlap, bool) or not isinstance(overlap, int | float) or not 0 < overlap <= 1:
        raise InputError(f"overlap={overlap} is not possible; give a share above 0 and at most 1.")
    return float(overlap)


def unfinished(task: Task, said: Said, after: int) -> int | None:
    """Place of the next query, from ``after`` on and round again, that is neither graded nor skipped."""
    ids = list(task.texts)
    places: Iterable[int] = ((after + step) % len(ids) for step in range(len(ids)))
    return next((place for place in places if task.state(said, ids[place]) in ("begun", "waiting")), None)
