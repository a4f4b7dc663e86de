"""What a click log can tell: clicks and examination by rank, what was left out, how pure the rest is, a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from shoptalk.domain.judgments import Domain
from shoptalk.domain.text import normalise
from shoptalk.sources.clicks.curves import Curve, curves
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination, Propensity
from shoptalk.sources.clicks.verdict import sentences


@dataclass(frozen=True)
class Purity:
    """Pairs whose query is judged, how many of them have a positive grade, and the Wilson interval of the share."""

    pairs: int
    pure: int
    share: float
    ci95: tuple[float, float]


@dataclass(frozen=True)
class About:
    """What the caller knows of the log.

    Attributes:
        source: its name in the experiment. path: where it lies.
        level: "L0" to "L3". tells: capability, whether the log has it, what it allows or what is missing.
        counts: further figures worth showing.
    """

    source: str
    path: str
    simulated: bool
    level: str
    tells: Sequence[tuple[str, bool, str]]
    counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis(About):
    """What was found in a log.

    Attributes:
        removed: ``rows`` of the log, ``votes`` left, and between them rows by the rule that took them, in order.
        ctr: ``position, impressions, clicks, ctr, low, high`` (Wilson, 95 %).
        curves: one per estimator, and ``used``, the name of the one that the pairs were chosen by.
        queries: that the intervals resampled in each round, of ``all_queries``.
        support: histograms (``low, high``, both inclusive, and ``count``) of pairs and queries by impressions, and
            of clicked pairs by clicks.
        chosen: pairs ``kept``, then pairs by the reason that left them out.
        clicks, effective_clicks: clicks counted, and Kish's effective number of them once weighted.
        judged_queries: of this log that the domain's ``train`` and ``calibration`` splits judge.
        purity: of the ``chosen`` pairs and of those with ``any click``; ``None`` without judged queries.
    """

    removed: Mapping[str, int] = field(default_factory=dict)
    ctr: pl.DataFrame = field(default_factory=pl.DataFrame)
    curves: Sequence[Curve] = ()
    used: str = ""
    queries: int = 0
    all_queries: int = 0
    support: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    chosen: Mapping[str, int] = field(default_factory=dict)
    clicks: float = 0.0
    effective_clicks: float = 0.0
    judged_queries: int = 0
    purity: Mapping[str, Purity] | None = None

    @property
    def rules(self) -> dict[str, int]:
        """Rows by the rule that took them."""
        return {rule: count for rule, count in self.removed.items() if rule not in ("rows", "votes")}

    @property
    def verdict(self) -> list[str]:
        """One sentence per question that the numbers answer."""
        return sentences(self)


def diagnose(
    about: About,
    observed: Observed,
    *,
    removed: Mapping[str, int],
    estimators: Mapping[str, Propensity],
    used: tuple[str, Examination],
    kept: pl.DataFrame,
    rejected: pl.DataFrame,
    effective_clicks: float,
    judged: pl.DataFrame,
    rounds: int = 40,
    limit: int = 2_000,
    seed: int = 0,
) -> Diagnosis:
    """The numbers of one log.

    Args:
        estimators: what to estimate examination with, by name. used: the name and chances behind ``kept``; an
            estimator of that name is not asked again but for its interval.
        kept, rejected: pairs as ``selection.sift`` gives them: at least ``query, doc_id, clicks`` and, of the
            rejected, ``reason``.
        judged: see ``judged_pairs``.
        rounds, limit, seed: of the bootstrap; see ``curves``.
    """
    clicked = pl.concat([t.filter(pl.col("clicks") > 0).select("query", "doc_id") for t in (kept, rejected)])
    asked = {normalise(query) for table in (kept, rejected) for query in table["query"].unique()}
    judged_queries = len(asked & set(judged["query"]))
    by_reason = rejected.group_by("reason", maintain_order=True).len()
    queries = observed.by_position["query_id"].n_unique()
    return Diagnosis(
        **vars(about),
        removed=removed,
        ctr=click_rates(observed),
        curves=curves(observed, estimators, used, rounds, limit, seed),
        used=used[0],
        queries=min(limit, queries),
        all_queries=queries,
        support=support(observed),
        chosen={"kept": kept.height, **dict(by_reason.iter_rows())},
        clicks=float(observed.by_position["clicks"].sum()),
        effective_clicks=effective_clicks,
        judged_queries=judged_queries,
        purity={"chosen": purity(kept, judged), "any click": purity(clicked, judged)} if judged_queries else None,
    )


def click_rates(observed: Observed) -> pl.DataFrame:
    """``position, impressions, clicks, ctr, low, high`` by rank, the last two the 95 % Wilson interval."""
    table = observed.by_position.group_by("position").agg(pl.col("impressions", "clicks").sum()).sort("position")
    low, high = wilson(table["clicks"].to_numpy(), table["impressions"].to_numpy())
    return table.with_columns(ctr=pl.col("clicks") / pl.col("impressions"), low=low, high=high)


def wilson(hits: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % score interval of ``hits`` (which may be fractions) in ``trials`` > 0 (Wilson 1927)."""
    z2 = 1.959964**2
    middle = (hits + z2 / 2) / (trials + z2)
    half = np.sqrt(z2 * (hits * (trials - hits) / trials + z2 / 4)) / (trials + z2)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def support(observed: Observed) -> dict[str, pl.DataFrame]:
    """Histograms in bins that double (1, 2-3, 4-7, ...) of how much is known of what."""
    table, pair = observed.by_position, observed.pair_numbers()
    shown, clicks = (np.bincount(pair, table[column].to_numpy()) for column in ("impressions", "clicks"))
    per_query = table.group_by("query_id").agg(pl.col("impressions").sum())["impressions"].to_numpy()
    return {
        "pairs by impressions": _histogram(shown),
        "queries by impressions": _histogram(per_query),
        "clicked pairs by clicks": _histogram(clicks[clicks > 0]),
    }


def _histogram(values: np.ndarray) -> pl.DataFrame:
    """``low, high, count``; what is below 1 (doubtful clicks) counts in the first bin."""
    counts = np.bincount(np.log2(np.maximum(values, 1)).astype(np.int64))
    low = 2 ** np.arange(len(counts))
    return pl.DataFrame({"low": low, "high": 2 * low - 1, "count": counts})


def judged_pairs(domain: Domain) -> pl.DataFrame:
    """``query`` (normalised), ``doc_id``, ``grade`` of the ``train`` and ``calibration`` judgments; never of a query
    that also measures (``dev``, ``test``, ``audit``), in any spelling."""
    hidden = domain.evaluation_queries()
    splits = [domain.splits[name] for name in ("train", "calibration") if name in domain.splits]
    rows = [
        (normalise(text), doc_id, grade)
        for split in splits
        for query_id, text in zip(split.ids, split.texts, strict=True)
        for doc_id, grade in (split.qrels.get(query_id) or {}).items()
        if normalise(text) not in hidden
    ]
    return pl.DataFrame(rows, {"query": pl.String, "doc_id": pl.String, "grade": pl.Int64}, orient="row")


def purity(pairs: pl.DataFrame, judged: pl.DataFrame) -> Purity:
    """Of ``pairs`` (``query, doc_id``) those about a judged query; a document without a grade counts as not pure."""
    spelt = {query: normalise(query) for query in pairs["query"].unique()}
    named = pairs.select("doc_id", query=pl.col("query").replace_strict(spelt, return_dtype=pl.String))
    named = named.join(judged.select("query").unique(), on="query", how="semi")
    pure = named.join(judged.filter(pl.col("grade") > 0), on=["query", "doc_id"], how="semi").height
    if not named.height:
        return Purity(0, 0, float("nan"), (0.0, 1.0))
    low, high = wilson(np.float64(pure), np.float64(named.height))
    return Purity(named.height, pure, pure / named.height, (float(low), float(high)))
