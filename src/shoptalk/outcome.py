"""What a run found, at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.retrieval.ranked import Ranked

if TYPE_CHECKING:
    from shoptalk.models.encoder import Encoder
    from shoptalk.models.static import StaticEncoder


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes:
        metrics: the content of ``metrics.json``.
        per_query: every arm's measures per query and split.
        folder: where all of it lies.
        corpus: what was searched.
        adapted: ``adapted(queries, k)`` -> ``Ranked``, the adapted model's search over ``corpus``.
    """

    metrics: dict[str, Any]
    per_query: pl.DataFrame
    folder: Path
    corpus: Corpus
    adapted: Callable[[Sequence[str], int], Ranked]

    def __repr__(self) -> str:
        split = "test" if "test" in self.metrics else "dev"
        arms, gains = self.metrics.get(split, {}), self.metrics.get("gain", {}).get(split, {})
        scores = ", ".join(f"{arm} {told['ndcg@10']:.3f}" for arm, told in arms.items())
        gained = ", ".join(f"{told['ndcg@10']:+.3f} over {arm}" for arm, told in gains.items())
        figures = f"{split} nDCG@10: {scores}; {gained}" if arms else "nothing measured"
        return f"Outcome({self.folder}, {self.metrics['corpus']}, {figures})"

    @property
    def dev_score(self) -> float:
        """dev nDCG@10 of the adapted model, NaN for a domain without dev."""
        return self.metrics.get("dev", {}).get("adapted", {}).get("ndcg@10", float("nan"))

    @property
    def pairs(self) -> pl.DataFrame:
        """What the run trained on: a row per pair, with its weight, its source and how often it was drawn."""
        return pl.read_parquet(self.folder / "pairs.parquet")

    @property
    def negatives(self) -> pl.DataFrame:
        """Each pair's negatives, with the miner's scores and ranks and the teacher's probabilities."""
        return pl.read_parquet(self.folder / "negatives.parquet")

    @property
    def model(self) -> Path:
        """The adapted model's folder, which ``SentenceTransformer`` loads."""
        return self.folder / "model"

    def encoder(self) -> Encoder | StaticEncoder:
        """The adapted model, read anew: ``encoder().embed(texts, "query")`` gives unit vectors, float32 [n, d]."""
        from shoptalk.models.encoder import Encoder
        from shoptalk.models.static import StaticEncoder, is_static

        return (StaticEncoder if is_static(self.model) else Encoder).load(str(self.model))

    def search(self, query: str, k: int = 10) -> pl.DataFrame:
        """The ``k`` best documents for ``query``: ``rank`` from 1, ``doc_id``, ``title``, ``text``, ``score``."""
        found = self.adapted([query], min(k, len(self.corpus)))
        rows = found.rows[0].tolist()
        columns = {"doc_id": self.corpus.ids, "title": self.corpus.titles, "text": self.corpus.texts}
        told = {name: [values[row] for row in rows] for name, values in columns.items()}
        return pl.DataFrame({"rank": range(1, len(rows) + 1), **told, "score": found.scores[0]})
