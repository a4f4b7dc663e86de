"""Chances of examination that differ by where people search: a phone shows fewer results than a desk."""

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination, Propensity


class ByContext:
    """An estimator for each context by itself, drawn towards the estimate over all of them.

    log theta = w log(theta of the context) + (1 - w) log(theta of all) with w = n / (n + strength) for n
    impressions: the weight of a normal prior whose variance is that of ``strength`` impressions. A context with
    fewer than ``min_impressions``, or whose ranks its own impressions do not link, takes the estimate over all.

    Raises:
        InputError: a number is negative, or the estimator needs whole lists, which contexts do not split.
    """

    needs_lists = False

    def __init__(self, estimator: Propensity, min_impressions: float = 10_000, strength: float = 10_000):
        if estimator.needs_lists:
            raise InputError(f"context: {type(estimator).__name__} cannot be told apart by context; set context=null.")
        if min_impressions < 0 or strength < 0:
            raise InputError("context: min_impressions and strength must be 0 or more.")
        self.estimator, self.level = estimator, estimator.level
        self.min_impressions, self.strength = min_impressions, strength

    def estimate(self, observed: Observed) -> Examination:
        """A chance per row; ``theta`` is the estimate over all contexts, and all there is without contexts."""
        table = observed.by_position
        if "context" not in table.columns:
            return self.estimator.estimate(observed)
        whole = self.estimator.estimate(without_context(observed, table))
        position = table["position"].to_numpy().astype(np.int64)
        rows, notices = whole.theta[position - 1].copy(), list(whole.notices)
        for context in table["context"].unique().sort():
            mine = (table["context"] == context).to_numpy()
            part = table.filter(pl.Series(mine))
            found = self._own(observed, part, context, notices)
            if found is not None:
                weight = part["impressions"].sum() / (part["impressions"].sum() + self.strength)
                own = np.log(found.theta) * weight + np.log(whole.theta[: len(found.theta)]) * (1 - weight)
                rows[mine] = np.exp(own - own.max())[position[mine] - 1]
        return Examination(whole.theta, whole.assumed, rows, whole.false_clicks, notices)

    def _own(self, observed: Observed, part: pl.DataFrame, context: str, notices: list[str]) -> Examination | None:
        named = f"'{context}'" if context else "without a name"
        shown = part["impressions"].sum()
        if shown < self.min_impressions:
            notices.append(f"Context {named} has too few impressions ({shown:,.0f}) and takes the common estimate.")
            return None
        try:
            return self.estimator.estimate(without_context(observed, part))
        except InputError as error:
            notices.append(f"Context {named} takes the common estimate: {error}")
            return None


def without_context(observed: Observed, table: pl.DataFrame) -> Observed:
    """The counts of ``table``, rows of ``by_position``, whatever their context."""
    keys = ["query_id", "doc_id", "position"]
    merged = table.group_by(keys, maintain_order=True).agg(pl.col("impressions", "clicks").sum())
    return Observed(merged, features=observed.features)
