"""A click log as a source of weighted pairs."""

from pathlib import Path

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.log import Engine
from shoptalk.sources.clicks.propensity import Examination, Propensity
from shoptalk.sources.clicks.relevance import Relevance
from shoptalk.sources.clicks.selection import Selection, Support, Weight, sift
from shoptalk.sources.clicks.sessions import Cleaning
from shoptalk.sources.clicks.statistics import Statistics, statistics
from shoptalk.sources.pairs import Ground, Yielded, as_pairs


class ClickSource:
    """Reads a log, corrects clicks for position, and keeps the pairs that are surely clicked when looked at.

    Args:
        cleaning: which rows count. engine: how DuckDB works. propensity: chances of examination by rank.
        relevance: the score of a pair. support, selection: which pairs train. weight: their weight.
        clip: least propensity that a click is divided by, in (0, 1].
        log: path of a log; ``None`` for the domain's own, or else its simulated one.

    Raises:
        InputError: ``clip`` lies outside (0, 1].
    """

    def __init__(
        self,
        cleaning: Cleaning,
        engine: Engine,
        propensity: Propensity,
        relevance: Relevance,
        support: Support,
        selection: Selection,
        weight: Weight,
        clip: float = 0.1,
        log: str | None = None,
    ):
        if not 0 < clip <= 1:
            raise InputError(f"clip is {clip}; it must be above 0 and at most 1, such as 0.1.")
        self.cleaning, self.engine, self.propensity, self.relevance = cleaning, engine, propensity, relevance
        self.support, self.selection, self.weight = support, selection, weight
        self.clip, self.log = clip, log

    def read(self, name: str, ground: Ground) -> Yielded:
        """The pairs of the log; evaluation queries among them are left to the caller.

        ``rejected`` holds every clicked pair that was left out, with its reason and figures.

        Raises:
            InputError: there is no log, it cannot be used, or no pair is left.
        """
        path = self._path(name, ground)
        found = statistics(path, ground.domain.corpus, self.cleaning, self.engine, ground.cache)
        examination = self.propensity.estimate(found.by_position)
        scored = self._scored(found, examination)
        kept, rejected = sift(scored, [*self.support.reasons(), *self.selection.reasons()])
        if not kept.height:
            raise InputError(_nothing_left(path, scored, rejected))
        pairs = kept.with_columns(self.weight.of(kept), query=pl.col("spelling")).sort("query", "doc_id")
        clicked = rejected.filter(pl.col("clicks") > 0).drop("query_id", "spelling")
        counts = _counts(found, examination, self.clip, kept, rejected)
        return Yielded(as_pairs(pairs, name), rejected=clicked, counts=counts, notices=_notices(path, examination))

    def _path(self, name: str, ground: Ground) -> Path:
        if self.log is not None:
            return Path(self.log)
        if ground.domain.log is not None:
            return Path(ground.domain.log)
        if ground.simulated_log is not None:
            return ground.simulated_log()
        raise InputError(f"data.sources.{name}.log is not set and the domain has no click log; give the path of one.")

    def _scored(self, found: Statistics, examination: Examination) -> pl.DataFrame:
        table = pair_table(found, examination, self.clip)
        table = table.with_columns(score=pl.Series(self.relevance.score(table), dtype=pl.Float64))
        return table.sort("score", "clicks", "query_id", "doc_id", descending=[True, True, False, False])


def pair_table(found: Statistics, examination: Examination, clip: float) -> pl.DataFrame:
    """One row per pair ever shown: ``query_id, query, spelling, doc_id, impressions, clicks, users, clickers``,
    ``examinations`` (sum of propensities), ``weighted_clicks`` (clicks over propensities, not below ``clip``)."""
    theta = examination.theta[found.by_position["position"].to_numpy().astype(np.int64) - 1]
    rows = found.by_position.with_columns(theta=pl.Series(theta))
    pairs = rows.group_by("query_id", "doc_id", maintain_order=True).agg(
        pl.col("impressions", "clicks").sum(),
        examinations=(pl.col("impressions") * pl.col("theta")).sum(),
        weighted_clicks=(pl.col("clicks") / pl.col("theta").clip(clip)).sum(),
    )
    return pairs.join(found.support, on=["query_id", "doc_id"], maintain_order="left").join(
        found.queries, on="query_id", maintain_order="left"
    )


def effective_clicks(by_position: pl.DataFrame, examination: Examination, clip: float) -> float:
    """Kish's effective sample size of the inverse-propensity-weighted clicks: (sum w)² / sum w²."""
    position = by_position["position"].to_numpy().astype(np.int64)
    clicks = by_position["clicks"].to_numpy()
    weight = 1 / np.maximum(examination.theta[position - 1], clip)
    squares = (clicks * weight**2).sum()
    return float((clicks * weight).sum() ** 2 / squares) if squares else 0.0


def _counts(
    found: Statistics, examination: Examination, clip: float, kept: pl.DataFrame, rejected: pl.DataFrame
) -> dict[str, int]:
    by_reason = rejected.group_by("reason").len().sort("reason")
    return {
        **found.removed,
        "queries": found.queries.height,
        "clicks": int(found.by_position["clicks"].sum()),
        "effective_clicks": round(effective_clicks(found.by_position, examination, clip)),
        "pairs_shown": kept.height + rejected.height,
        "pairs_clicked": kept.height + int((rejected["clicks"] > 0).sum()),
        **{f"pairs_{reason}": count for reason, count in by_reason.rows()},
        "pairs": kept.height,
    }


def _notices(path: Path, examination: Examination) -> list[str]:
    if not examination.assumed:
        return []
    shown = ", ".join(f"{t:.2g}" for t in examination.theta[:10])
    return [f"The examination chances by rank ({shown}) are assumed, not estimated from {path.name}."]


def _nothing_left(path: Path, scored: pl.DataFrame, rejected: pl.DataFrame) -> str:
    reason, count = rejected["reason"].value_counts().sort("count", "reason", descending=[True, False]).row(0)
    return (
        f"{path}: none of the {scored.height:,} pairs of the click log is left; the rule {reason} took {count:,} "
        f"of them, so loosen support or selection, or give a larger log."
    )
