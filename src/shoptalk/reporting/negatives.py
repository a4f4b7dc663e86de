"""What a run reports of its negatives, in numbers; ``negatives_page`` draws them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.negatives.mined import Mined
from shoptalk.reporting.negatives_bins import Bins, Edges, even, whole
from shoptalk.reporting.negatives_sample import Triple, sample
from shoptalk.reporting.negatives_truth import SUBSTITUTES, Truth, false_negatives

BM25, SIMILARITY = "BM25 score", "similarity"
"""The scales that miners score on: BM25 on its own, all others by the base model's similarity."""

POSITIVES = "positives"


@dataclass(frozen=True)
class Negatives:
    """What was mined and what came of it.

    *Kept* are the negatives that the strategy chose: all but those the fallback filled in and those the user gave.

    Attributes:
        strategy, options: its name, and its options by dotted name.
        pairs: distinct training pairs.
        seen, dropped, filled, fallback: see ``Mined``.
        miners: negatives by miner.
        scores: scale to histograms of the positives' scores and of each miner's kept negatives'; the positives stand
            on one scale only.
        ranks: of kept negatives by miner. probabilities: the teacher's, of all it judged that stayed.
        median_rank, mean_score: of kept negatives, the latter of those on the positives' ``scale``.
        mean_positive_score: over all pairs.
        false_negatives: see there. triples: some to read.
    """

    strategy: str
    options: Mapping[str, Any]
    pairs: int
    seen: int
    dropped: Mapping[str, int]
    filled: int
    fallback: str
    miners: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, Bins] = field(default_factory=dict)
    ranks: Bins | None = None
    probabilities: Bins | None = None
    median_rank: float | None = None
    scale: str = SIMILARITY
    mean_score: float | None = None
    mean_positive_score: float | None = None
    false_negatives: dict[str, Any] | None = None
    triples: tuple[Triple, ...] = ()

    @classmethod
    def of(
        cls, mined: Mined, pairs: pl.DataFrame, corpus: Corpus, truth: Truth, seed: int, config: Mapping[str, Any]
    ) -> "Negatives":
        """All that can be told of ``mined``.

        Args:
            pairs: of all sources, columns ``query``, ``doc_id`` and ``source``.
            config: the group ``negatives`` of the run's config.
        """
        strategy, options = _options(config)
        negatives = truth.judged(_with_sources(one_per_row(mined.table), pairs))
        kept = negatives.filter(~pl.col("miner").is_in(SUBSTITUTES))
        positives = _finite(mined.positive_scores if kept.height else None)
        scored = kept.filter(pl.col("score").is_finite())
        scale = next((s for s in scored["scale"].unique() if s != BM25), BM25)
        judged = negatives.filter(pl.col("probability").is_finite())
        median = kept["rank"].median()
        return cls(
            strategy, options, mined.table.height, mined.seen, mined.dropped, mined.filled, mined.fallback,
            miners=dict(negatives.group_by("miner", maintain_order=True).len().iter_rows()),
            scores=_scores(scored, positives, scale),
            ranks=_by_miner(kept.filter(pl.col("rank").is_not_null()), "rank", whole),
            probabilities=_by_miner(judged, "probability", even),
            median_rank=None if median is None else float(median),
            scale=scale,
            mean_score=_mean(scored.filter(pl.col("scale") == scale)["score"].to_numpy()),
            mean_positive_score=_mean(positives),
            false_negatives=false_negatives(negatives),
            triples=sample(negatives, mined.positive_scores, corpus, seed),
        )  # fmt: skip

    @property
    def kept(self) -> int:
        """Negatives the strategy chose."""
        return sum(n for miner, n in self.miners.items() if miner not in SUBSTITUTES)

    @property
    def given(self) -> int:
        """Negatives of the user's own."""
        return self.miners.get("given", 0)

    @property
    def thresholds(self) -> list[float]:
        """Probabilities at which a teacher drops candidates."""
        given = {value for name, value in self.options.items() if name.rsplit(".", 1)[-1] == "max_probability"}
        return sorted(given - {None})

    def steps(self) -> list[tuple[str, int, int]]:
        """Of every filter its name, the candidates it dropped and those it left."""
        left = self.seen - np.cumsum([*self.dropped.values()], dtype=np.int64)
        return [(name, n, int(rest)) for (name, n), rest in zip(self.dropped.items(), left, strict=True)]

    def metrics(self) -> dict[str, Any]:
        """For ``metrics.json``; ``None`` is what nobody measured."""
        names = ("seen", "dropped", "kept", "filled", "fallback", "miners", "median_rank", "mean_score")
        told = {name: getattr(self, name) for name in (*names, "mean_positive_score", "false_negatives")}
        return told | {"dropped": dict(self.dropped), "miners": dict(self.miners)}

    def sample(self) -> pl.DataFrame:
        """The triples as a table, for trackers."""
        rows = [{**vars(triple), "sources": ", ".join(triple.sources)} for triple in self.triples]
        return pl.DataFrame(rows, infer_schema_length=None)

    def histograms(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Name to counts [b] and edges [b + 1], for trackers."""
        groups = {**{f"scores/{scale}": bins for scale, bins in self.scores.items()}, "ranks": self.ranks}
        groups["probabilities"] = self.probabilities
        told = {group: bins for group, bins in groups.items() if bins is not None}
        return {f"{group}/{s}": (n, bins.edges) for group, bins in told.items() for s, n in bins.counts.items()}


def one_per_row(table: pl.DataFrame) -> pl.DataFrame:
    """``Mined.table`` with a row per negative: ``pair`` (its row in the table), ``query``, ``doc_id``, ``negative``,
    ``score``, ``probability``, ``rank``, ``miner``, and the ``scale`` of its score."""
    names = {"negatives": "negative", "scores": "score", "probabilities": "probability", "ranks": "rank"}
    names["miners"] = "miner"
    nulls = pl.lit(None).repeat_by(pl.col("negatives").list.len())
    columns = [pl.coalesce(pl.col(name), nulls).alias(one) for name, one in names.items()]
    rows = table.with_row_index("pair").select("pair", "query", "doc_id", *columns).explode(*names.values())
    scale = pl.when(pl.col("miner") == "bm25").then(pl.lit(BM25)).otherwise(pl.lit(SIMILARITY))
    return rows.filter(pl.col("negative").is_not_null()).with_columns(scale=scale)


def _with_sources(negatives: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    sources = pairs.group_by("query", "doc_id").agg(sources=pl.col("source").unique().sort())
    return negatives.join(sources, on=["query", "doc_id"], how="left", maintain_order="left")


def _scores(scored: pl.DataFrame, positives: np.ndarray, scale: str) -> dict[str, Bins]:
    found = {}
    for (name,), part in scored.group_by("scale", maintain_order=True):
        series = {POSITIVES: positives} if name == scale and len(positives) else {}
        series |= {miner: one["score"].to_numpy() for (miner,), one in part.group_by("miner", maintain_order=True)}
        found[name] = Bins.of(series, even)
    return found


def _by_miner(negatives: pl.DataFrame, column: str, edges: Edges) -> Bins | None:
    parts = negatives.group_by("miner", maintain_order=True)
    series = {miner: part[column].to_numpy() for (miner,), part in parts}
    return Bins.of(series, edges) if series else None


def _finite(values: np.ndarray | None) -> np.ndarray:
    values = np.asarray([] if values is None else values, np.float64)
    return values[np.isfinite(values)]


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean(dtype=np.float64)) if len(values) else None


def _options(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name of the class and the options by dotted name, as ``pick`` for a class within."""
    options: dict[str, Any] = {}

    def walk(node: Any, name: str) -> None:
        if isinstance(node, list):
            node = {str(place): value for place, value in enumerate(node)}
        if not isinstance(node, Mapping):
            options[name] = node
            return
        if "_target_" in node:
            options[name] = node["_target_"].rsplit(".", 1)[-1]
        for key, value in node.items():
            if key not in ("_target_", "_partial_"):
                walk(value, f"{name}.{key}".lstrip("."))

    walk(config, "")
    return options.pop("", ""), options
