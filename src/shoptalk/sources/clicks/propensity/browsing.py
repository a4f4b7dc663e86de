"""Models of how people go down a list: what they look at depends on what they clicked above."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed, numbered_pairs
from shoptalk.sources.clicks.propensity.em import PositionEM, two_factors
from shoptalk.sources.clicks.propensity.examination import Examination, relative
from shoptalk.sources.clicks.propensity.identify import linked_ranks

_LEAST = 1e-4  # share of its impressions that a rank counts as looked at, at least


@dataclass(frozen=True)
class Looked:
    """The rows of ``Observed.lists`` and which of their impressions were looked at.

    Attributes:
        table: the lists, ordered as they came, with ``looked`` (impressions that were looked at).
    """

    table: pl.DataFrame

    def examination(self, observed: Observed) -> Examination:
        """Shares of impressions looked at: by row of ``by_position``, and by rank. Every row starts with one
        impression of its rank's share: a row never looked at and yet clicked, which the model holds impossible, must
        not weigh as if each click stood for thousands. A row that the lists lack (they count searches, the rows
        votes) has this start alone."""
        keys = ["query_id", "doc_id", "position"]
        seen = self.table.group_by(keys).agg(pl.col("impressions", "looked").sum())
        rank = self.table.group_by("position").agg(of_rank=pl.col("looked").sum() / pl.col("impressions").sum())
        joined = observed.by_position.select(keys).join(seen, keys, how="left", maintain_order="left")
        joined = joined.join(rank, "position", how="left", maintain_order="left")
        start = pl.col("of_rank").fill_null(1.0).clip(_LEAST, 1.0)
        looked, shown = (pl.col(c).fill_null(0.0) for c in ("looked", "impressions"))
        rows = joined.select(((looked + start) / (shown + 1)).clip(0.0, 1.0)).to_series().to_numpy()
        theta = np.full(observed.deepest, _LEAST)
        theta[rank["position"].to_numpy() - 1] = np.maximum(rank["of_rank"].to_numpy(), _LEAST)
        return Examination(relative(theta), rows=rows)


def lists_of(observed: Observed, model: str) -> pl.DataFrame:
    """The lists, or one sentence why there are none."""
    if observed.lists is None or not observed.lists.height:
        raise InputError(
            f"{model} needs whole lists with all their clicks; this log was not read for them or has none."
        )
    return observed.lists


class Cascade:
    """People go down the list to the first click and stop there (Craswell et al. 2008, section 3.4).

    Looked at is all down to the first click, and everything where nobody clicked: a cascade ends in a click only.
    """

    needs_lists = True
    level = "L1"

    def estimate(self, observed: Observed) -> Examination:
        """Shares of impressions that were looked at."""
        return self.looked(observed).examination(observed)

    def looked(self, observed: Observed) -> Looked:
        """All rows without a click above."""
        looked = pl.when(pl.col("previous") == 0).then("impressions").otherwise(0.0)
        return Looked(lists_of(observed, "Cascade").with_columns(looked=looked))


class DependentClicks:
    """People go on after a click at rank k with the chance lambda_k (Guo et al. 2009, "Efficient multiple-click
    models", section 3.1).

    As in the paper's closed form (section 3.2, which maximises a lower bound) the last click ends the search:
    looked at is all down to it, and everything where nobody clicked, since only a click ends it.
    """

    needs_lists = True
    level = "L1"

    def estimate(self, observed: Observed) -> Examination:
        """Shares of impressions that were looked at."""
        return self.looked(observed).examination(observed)

    def looked(self, observed: Observed) -> Looked:
        """All rows at or above the last click, or in a list without one."""
        table = lists_of(observed, type(self).__name__)
        behind = pl.when(pl.col("previous") == 0).then("impressions").otherwise("clicks")
        return Looked(table.with_columns(looked=pl.when("below").then("impressions").otherwise(behind)))

    @staticmethod
    def onward(observed: Observed) -> np.ndarray:
        """lambda by rank: 1 - last clicks / clicks, float64 [deepest]; 1 where nobody clicked."""
        table = lists_of(observed, "DependentClicks")
        last = table.filter(~pl.col("below")).group_by("position").agg(last=pl.col("clicks").sum())
        every = table.group_by("position").agg(pl.col("clicks").sum()).join(last, "position", how="left")
        share = np.ones(observed.deepest)
        found = every.select(1 - pl.col("last").fill_null(0) / pl.col("clicks").clip(1e-12)).to_series().to_numpy()
        share[every["position"].to_numpy() - 1] = np.clip(found, 0, 1)
        return share


class SimplifiedDBN(DependentClicks):
    """The dynamic Bayesian network of people who never give up (gamma = 1; Chapelle and Zhang 2009, section 5):
    a click that satisfies ends the search, nothing else does.

    Looked at is what `DependentClicks` says. The model's relevance is attractiveness (clicks per look) times
    satisfaction (last clicks per click): with ``signals.not_last.weight=0`` the last clicks alone are counted,
    and clicks per look become just this product.
    """

    @staticmethod
    def satisfaction(observed: Observed) -> pl.DataFrame:
        """``query_id, doc_id, satisfied``: last clicks per click of every clicked pair."""
        table = lists_of(observed, "SimplifiedDBN")
        last = pl.when(pl.col("below")).then(0.0).otherwise("clicks")
        pairs = table.group_by("query_id", "doc_id").agg(pl.col("clicks").sum(), last=last.sum())
        clicked = pairs.filter(pl.col("clicks") > 0)
        return clicked.select("query_id", "doc_id", satisfied=pl.col("last") / pl.col("clicks"))


class UserBrowsingEM(PositionEM):
    """The user browsing model by EM: the chance of a look depends on the rank and on the rank of the nearest click
    above (Dupret and Piwowarski 2008, section 3).

    Attributes:
        clicked, passed, rounds, tolerance, min_pairs: see ``em.PositionEM``. Several rankers are needed here as
            there: looks after different clicks are compared at one rank, but ranks only by what both showed.
    """

    needs_lists = True

    def estimate(self, observed: Observed) -> Examination:
        """Expected shares of impressions that were looked at, the likeliest place scaled to 1.

        Raises:
            InputError: there are no lists, or the ranks are not linked by enough pairs.
        """
        table = lists_of(observed, "UserBrowsingEM")
        linked_ranks(observed, self.min_pairs, "UserBrowsingEM")
        chance = relative(self.table_of(observed)[0])[places(table)]
        return Looked(table.with_columns(looked=pl.Series(chance) * pl.col("impressions"))).examination(observed)

    def table_of(self, observed: Observed) -> tuple[np.ndarray, np.ndarray]:
        """theta by place (see `places`) and gamma by pair, in the order of ``lists``."""
        table = lists_of(observed, "UserBrowsingEM")
        pair = numbered_pairs(table)
        shown, clicked = table["impressions"].to_numpy(), table["clicks"].to_numpy()
        return two_factors(pair, places(table), shown, clicked, self.smoothing, self.rounds, self.tolerance)


def places(table: pl.DataFrame) -> np.ndarray:
    """A number for every rank k (from 1) and rank r < k of the nearest click above (0: none): k (k - 1) / 2 + r."""
    rank, previous = (table[c].to_numpy().astype(np.int64) for c in ("position", "previous"))
    return rank * (rank - 1) // 2 + previous
