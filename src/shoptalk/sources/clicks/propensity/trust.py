"""Trust bias: people click a high rank because it is high, also when they do not like what they see there."""

import numpy as np
import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.em import checked_pairs, checked_rounds, counts
from shoptalk.sources.clicks.propensity.examination import Examination, relative
from shoptalk.sources.clicks.propensity.identify import borrowed, linked_ranks, ranks
from shoptalk.sources.clicks.propensity.regression import pairs_of


class Trust:
    """An affine click model: P(click | rank k) = alpha_k gamma + beta_k (Vardasbi et al. 2020, "When inverse
    propensity scoring does not work", section 4; trust bias of Agarwal et al. 2019b).

    Fitted as two latent classes: a pair is relevant or not, and is clicked at rank k with the rate a_k or b_k.
    EM over the pairs finds both rates and, by the highest rank of a pair (rankers put relevant pairs there more
    often), the share of relevant pairs; then alpha_k = a_k - b_k and
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
        self.min_pairs, self.labels = checked_pairs(min_pairs), labels

    def estimate(self, observed: Observed) -> Examination:
        """alpha as chances of examination, relative to the largest; beta as clicks that trust alone yields.

        Raises:
            InputError: the ranks are not linked, or relevant pairs are not clicked more often at every rank.
        """
        linked = linked_ranks(observed, self.min_pairs, "Trust")
        relevant, other, _ = self.rates(observed)
        alpha, notices = borrowed(relevant - other, linked)
        if not (alpha > 0).all():
            rank = int(np.argmin(alpha)) + 1
            raise InputError(
                f"Trust finds no two kinds of documents at rank {rank}: those it takes for relevant are not "
                "clicked more often there than the others; use propensity=all_pairs, or a larger log."
            )
        # On the scale of alpha's largest the clicks of a relevant document are gamma = 1.
        return Examination(relative(alpha), false_clicks=borrowed(other, linked)[0], notices=notices)

    def rates(self, observed: Observed) -> tuple[np.ndarray, np.ndarray, float]:
        """Click rates by rank of relevant pairs and of others, float64 [deepest] each, and the share relevant."""
        from scipy.special import expit, logit

        pair, place, (shown, clicked) = observed.pair_numbers(), ranks(observed), counts(observed)
        total, hits = (np.bincount(place, v, observed.deepest) for v in (shown, clicked))
        rate = (hits + 0.5) / (total + 1)
        relevant, other = np.minimum(2 * rate, 0.95), 0.5 * rate
        top = place[np.searchsorted(pair, np.arange(pair[-1] + 1))]  # the highest rank of each pair
        share, pairs = np.full(len(rate), 0.2), np.bincount(top, minlength=len(rate))
        known = self._known(observed)
        for _ in range(self.rounds):
            hit, miss = np.log(relevant / other)[place], np.log((1 - relevant) / (1 - other))[place]
            odds = np.bincount(pair, clicked * hit + (shown - clicked) * miss) + logit(share)[top]
            belief = np.where(np.isnan(known), expit(odds), known)
            new = [_rates(place, w[pair], shown, clicked, rate) for w in (belief, 1 - belief)]
            moved = max(np.abs(new[0] - relevant).max(), np.abs(new[1] - other).max())
            (relevant, other), share = new, (np.bincount(top, belief, len(rate)) + 0.2) / (pairs + 1)
            if moved <= self.tolerance:
                break
        return relevant, other, float(belief.mean())

    def _known(self, observed: Observed) -> np.ndarray:
        """1, 0 or NaN by pair."""
        pairs = pairs_of(observed)
        if self.labels is None:
            return np.full(pairs.height, np.nan)
        labels = self.labels.select("query_id", "doc_id", known=pl.col("relevant").cast(pl.Float64))
        joined = pairs.join(labels, ["query_id", "doc_id"], how="left", maintain_order="left")
        return joined["known"].to_numpy().astype(np.float64)


def _rates(
    place: np.ndarray, belief: np.ndarray, shown: np.ndarray, clicked: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Click rates by rank of rows that count with their ``belief``; one impression of the rate ``start`` each."""
    clicks, looks = (np.bincount(place, belief * values, len(start)) for values in (clicked, shown))
    return np.clip((clicks + start) / (looks + 1), 1e-6, 1 - 1e-6)
