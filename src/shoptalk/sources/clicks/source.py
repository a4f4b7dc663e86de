"""A click log as a source of weighted pairs."""

from pathlib import Path

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.chains import Chains
from shoptalk.sources.clicks.log import Engine
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination, Propensity
from shoptalk.sources.clicks.relevance import Evidence, Relevance
from shoptalk.sources.clicks.selection import Selection, Support, Weight, sift
from shoptalk.sources.clicks.sessions import Cleaning
from shoptalk.sources.clicks.statistics import Statistics, statistics
from shoptalk.sources.pairs import Ground, Yielded, as_pairs


class ClickSource:
    """Reads a log, corrects clicks for position, and keeps the pairs that are surely clicked when looked at.

    Args:
        cleaning: which rows count. engine: how DuckDB works. propensity: chances of examination by rank.
        relevance: the score of a pair. support, selection: which pairs train. weight: their weight.
        chains: which queries take over the pairs of others.
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
        chains: Chains | None = None,
        clip: float = 0.1,
        log: str | None = None,
    ):
        if not 0 < clip <= 1:
            raise InputError(f"clip is {clip}; it must be above 0 and at most 1, such as 0.1.")
        self.cleaning, self.engine, self.propensity, self.relevance = cleaning, engine, propensity, relevance
        self.support, self.selection, self.weight = support, selection, weight
        self.chains, self.clip, self.log = chains or Chains(users=None), clip, log

    def read(self, name: str, ground: Ground) -> Yielded:
        """The pairs of the log; evaluation queries among them are left to the caller.

        ``rejected`` holds every clicked pair that was left out, with its reason and figures.

        Raises:
            InputError: there is no log, it cannot be used, or no pair is left.
        """
        path, simulated = self._path(name, ground)
        found = statistics(path, ground.domain.corpus, self.cleaning, self.engine, ground.cache, self.chains.max_gap_s)
        observed = Observed(found.by_position)
        examination = self.propensity.estimate(observed)
        evidence = Evidence.of(observed, examination)
        scored = self._scored(found, evidence)
        kept, rejected = sift(scored, [*self.support.reasons(), *self.selection.reasons()])
        if not kept.height:
            raise InputError(_nothing_left(path, scored, rejected))
        carried = self._carried(found, kept)
        pairs = pl.concat([kept.with_columns(self.weight.of(kept)), carried], how="diagonal")
        pairs = pairs.with_columns(query=pl.col("spelling")).sort("query", "doc_id")
        rejected = rejected.join(carried, on=["query_id", "doc_id"], how="anti")
        clicked = rejected.filter(pl.col("clicks") > 0).drop("query_id", "spelling")
        counts = _counts(found, evidence, self.clip, kept, rejected) | {"pairs_carried_over": carried.height}
        notices = _notices(path, examination, simulated)
        return Yielded(as_pairs(pairs, name), rejected=clicked, counts=counts, notices=notices)

    def _path(self, name: str, ground: Ground) -> tuple[Path, bool]:
        """Where the log lies, and whether it is simulated."""
        if self.log is not None:
            return Path(self.log), False
        if ground.domain.log is not None:
            return Path(ground.domain.log), False
        if ground.simulated_log is not None:
            return ground.simulated_log(), True
        raise InputError(f"data.sources.{name}.log is not set and the domain has no click log; give the path of one.")

    def _carried(self, found: Statistics, kept: pl.DataFrame) -> pl.DataFrame:
        """``query_id, query, spelling, doc_id, weight`` of the pairs that chains carry over."""
        pairs = self.chains.carried(kept.select("query_id", "doc_id", "score"), found.links)
        named = pairs.join(found.queries, on="query_id").drop("users")
        return named.with_columns(weight=pl.lit(float(self.chains.weight)))

    def _scored(self, found: Statistics, evidence: Evidence) -> pl.DataFrame:
        table = pair_table(found, evidence, self.clip).with_columns(score=pl.Series(self.relevance.score(evidence)))
        return table.sort("score", "clicks", "query_id", "doc_id", descending=[True, True, False, False])


def pair_table(found: Statistics, evidence: Evidence, clip: float) -> pl.DataFrame:
    """One row per pair ever shown, in the order of ``evidence``: ``query_id, query, spelling, doc_id, impressions,
    clicks, users, clickers``, ``examinations`` (sum of propensities), ``weighted_clicks`` (clicks over
    propensities, not below ``clip``)."""
    weighted = np.bincount(evidence.pair, evidence.clicked / np.maximum(evidence.theta, clip))
    pairs = found.by_position.group_by("query_id", "doc_id", maintain_order=True).agg(
        pl.col("impressions", "clicks").sum()
    )
    pairs = pairs.with_columns(examinations=pl.Series(evidence.examinations), weighted_clicks=pl.Series(weighted))
    pairs = pairs.join(found.support, on=["query_id", "doc_id"], maintain_order="left")
    return pairs.join(found.queries, on="query_id", maintain_order="left")


def effective_clicks(evidence: Evidence, clip: float) -> float:
    """Kish's effective sample size of the inverse-propensity-weighted clicks: (sum w)² / sum w²."""
    weight = 1 / np.maximum(evidence.theta, clip)
    squares = (evidence.clicked * weight**2).sum()
    return float((evidence.clicked * weight).sum() ** 2 / squares) if squares else 0.0


def _counts(
    found: Statistics, evidence: Evidence, clip: float, kept: pl.DataFrame, rejected: pl.DataFrame
) -> dict[str, int]:
    by_reason = rejected.group_by("reason").len().sort("reason")
    return {
        **found.removed,
        "queries": found.queries.height,
        "clicks": int(evidence.clicked.sum()),
        "effective_clicks": round(effective_clicks(evidence, clip)),
        "pairs_shown": kept.height + rejected.height,
        "pairs_clicked": kept.height + int((rejected["clicks"] > 0).sum()),
        **{f"pairs_{reason}": count for reason, count in by_reason.rows()},
        "pairs": kept.height,
    }


def _notices(path: Path, examination: Examination, simulated: bool) -> list[str]:
    notices = ["The click log is simulated; its searchers are not real."] if simulated else []
    if examination.assumed:
        shown = ", ".join(f"{t:.2g}" for t in examination.theta[:10])
        notices.append(f"The examination chances by rank ({shown}) are assumed, not estimated from {path.name}.")
    return notices


def _nothing_left(path: Path, scored: pl.DataFrame, rejected: pl.DataFrame) -> str:
    reason, count = rejected["reason"].value_counts().sort("count", "reason", descending=[True, False]).row(0)
    return (
        f"{path}: none of the {scored.height:,} pairs of the click log is left; the rule {reason} took {count:,} "
        f"of them, so loosen support or selection, or give a larger log."
    )
