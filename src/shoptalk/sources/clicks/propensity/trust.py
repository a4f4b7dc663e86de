"""Trust bias: people click a high rank because it is high, also when they do not like what they see there."""

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.em import checked_rounds, counts
from shoptalk.sources.clicks.propensity.examination import Examination, relative
from shoptalk.sources.clicks.propensity.identify import linked_ranks, ranks
from shoptalk.sources.clicks.propensity.regression import pairs_of


class Trust:
    """An affine click model: P(click | rank k) = alpha_k gamma + beta_k (Vardasbi et al. 2020, "When inverse
    propensity scoring does not work", section 4; trust bias of Agarwal et al. 2019b).

    Fitted as two latent classes: a pair is relevant or not, and is clicked at rank k with the rate a_k or b_k.
    EM over the pairs finds both rates and the share of relevant pairs; then alpha_k = a_k - b_k and
    beta_k = b_k. It assumes that relevance is yes or no, and needs pairs with several impressions, or ``labels``,
    to tell the classes apart: an opt-in, to be checked against labels.

    Attributes:
        rounds, tolerance: EM ends after so many steps, or once no rate moves by more than this.
        min_pairs: that must link the ranks (see ``identify``).
        labels: pairs whose relevance is known, ``query_id, doc_id, relevant`` (bool); ``None`` for none.

    Raises:
        InputError: a number is out of range.
    """

    needs_lists = False
    level = "L2"

    def __init__(
        self, rounds: int = 500, tolerance: float = 1e-6, min_pairs: int = 50, labels: pl.DataFrame | None = None
    ):
        self.rounds, self.tolerance = checked_rounds(rounds, tolerance)
        self.min_pairs, self.labels = min_pairs, labels

    def estimate(self, observed: Observed) -> Examination:
        """alpha as chances of examination, relative to the largest; beta as clicks that trust alone yields.

        Raises:
            InputError: the ranks are not linked, or relevant pairs are not clicked more often at every rank.
        """
        linked_ranks(observed, self.min_pairs, "Trust")
        relevant, other, _ = self.rates(observed)
        alpha = relevant - other
        if not (alpha > 0).all():
            rank = int(np.argmin(alpha)) + 1
            raise InputError(
                f"Trust finds no two kinds of documents at rank {rank}: those it takes for relevant are not "
                "clicked more often there than the others; use propensity=all_pairs, or a larger log."
            )
        # On the scale of alpha's largest the clicks of a relevant document are gamma = 1.
        return Examination(relative(alpha), false_clicks=other)

    def rates(self, observed: Observed) -> tuple[np.ndarray, np.ndarray, float]:
        """Click rates by rank of relevant pairs and of others, float64 [deepest] each, and the share relevant."""
        pair, place, (shown, clicked) = observed.pair_numbers(), ranks(observed), counts(observed)
        total, hits = (np.bincount(place, v, observed.deepest) for v in (shown, clicked))
        rate = (hits + 0.5) / (total + 1)
        relevant, other, share = np.minimum(2 * rate, 0.95), 0.5 * rate, 0.2
        known = self._known(observed)
        for _ in range(self.rounds):
            gain = (
                clicked * np.log(relevant / other)[place]
                + (shown - clicked) * np.log((1 - relevant) / (1 - other))[place]
            )
            odds = np.bincount(pair, gain) + np.log(share / (1 - share))
            belief = np.where(np.isnan(known), 1 / (1 + np.exp(-np.clip(odds, -500, 500))), known)
            mine = belief[pair]
            new = [
                (np.bincount(place, w * clicked, len(rate)) + rate) / (np.bincount(place, w * shown, len(rate)) + 1)
                for w in (mine, 1 - mine)
            ]
            moved = max(np.abs(new[0] - relevant).max(), np.abs(new[1] - other).max())
            (relevant, other), share = (
                (np.clip(v, 1e-6, 1 - 1e-6) for v in new),
                float(np.clip(belief.mean(), 1e-6, 1 - 1e-6)),
            )
            if moved <= self.tolerance:
                break
        return relevant, other, share

    def _known(self, observed: Observed) -> np.ndarray:
        """1, 0 or NaN by pair."""
        pairs = pairs_of(observed)
        if self.labels is None:
            return np.full(pairs.height, np.nan)
        labels = self.labels.select("query_id", "doc_id", known=pl.col("relevant").cast(pl.Float64))
        joined = pairs.join(labels, ["query_id", "doc_id"], how="left", maintain_order="left")
        return joined["known"].to_numpy().astype(np.float64)
