"""The routes of the search page."""

from collections.abc import Mapping, Sequence
from typing import Any

from shoptalk.arms.base import Search
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged
from shoptalk.domain.text import normalise
from shoptalk.errors import whole_number
from shoptalk.searching.template import LONGEST, TEMPLATE
from shoptalk.serving.page import rendered
from shoptalk.serving.server import Refused, Site

LOOKED = 100
"""Results among which a document's other rank is looked up."""

_EXAMPLES = 200
_BESIDE = {"adapted": "base", "base": "adapted", "bm25": "adapted"}


class Searching:
    """Several searches over one corpus, side by side.

    Args:
        searches: ``base``, ``adapted`` and ``bm25``.
        depth: results shown of each.
        dev: queries whose judgments are shown; ``None`` for none.
        changes: query to its change in nDCG@10 from base to adapted.
    """

    def __init__(
        self,
        searches: Mapping[str, Search],
        corpus: Corpus,
        depth: int,
        dev: Judged | None,
        changes: Mapping[str, float],
        title: str,
    ):
        self.searches, self.corpus, self.title = searches, corpus, title
        self.depth = whole_number("depth", depth)
        self.grades = _grades(dev) if dev else {}
        self.examples = examples(dev, changes) if dev else []

    def site(self) -> Site:
        """Page and routes."""
        return Site(self._page, {"/api/search": self.search})

    def _page(self, nonce: str, token: str) -> str:
        told = {"token": token, "looked": LOOKED, "examples": self.examples}
        return rendered(TEMPLATE, nonce, told, title=self.title, examples=bool(self.examples), longest=LONGEST)

    def search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """``q``: the best documents of base and adapted, and with ``bm25=1`` of BM25.

        Each has ``rank``, ``id``, ``title``, ``text``, ``score``, ``grade`` (where ``q`` is a judged query of dev, else
        null) and ``other``: its rank in the column beside it, null beyond 100.
        """
        query = str(asked.get("q", "")).strip()
        if not 0 < len(query) <= LONGEST:
            raise Refused(400, f"q must hold a query of at most {LONGEST:,} characters.")
        arms = ["base", "adapted", *(["bm25"] if asked.get("bm25") == "1" else [])]
        depth = max(self.depth, LOOKED)
        found = {arm: self._hits(arm, query, depth) for arm in arms}
        ranks = {arm: {row: rank for rank, (row, _) in enumerate(hits, start=1)} for arm, hits in found.items()}
        return {
            "query": query,
            "columns": {
                arm: [
                    self._document(query, rank, *hit, ranks[_BESIDE[arm]])
                    for rank, hit in enumerate(hits[: self.depth], start=1)
                ]
                for arm, hits in found.items()
            },
        }

    def _hits(self, arm: str, query: str, depth: int) -> list[tuple[int, float]]:
        ranked = self.searches[arm]([query], depth)
        return [
            (int(row), float(score)) for row, score in zip(ranked.rows[0], ranked.scores[0], strict=True) if row >= 0
        ]

    def _document(self, query: str, rank: int, row: int, score: float, other: Mapping[int, int]) -> dict[str, Any]:
        doc_id = self.corpus.ids[row]
        return {
            "rank": rank,
            "id": doc_id,
            "title": self.corpus.titles[row],
            "text": self.corpus.texts[row],
            "score": score,
            "grade": self.grades.get(normalise(query), {}).get(doc_id),
            "other": other.get(row),
        }


def examples(dev: Judged, changes: Mapping[str, float]) -> list[dict[str, Any]]:
    """Queries of dev and their change, the largest changes first; at most 200."""
    order: Sequence[str] = sorted(dev.texts, key=lambda text: -abs(changes.get(text, 0.0)))
    return [{"query": text, "change": changes.get(text)} for text in dict.fromkeys(order)][:_EXAMPLES]


def _grades(dev: Judged) -> dict[str, Mapping[str, int]]:
    return {normalise(text): dev.qrels.get(query_id, {}) for query_id, text in zip(dev.ids, dev.texts, strict=True)}
