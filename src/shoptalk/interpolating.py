"""How quality moves as weights go from the base model to the adapted one."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.errors import InputError
from shoptalk.export import interpolate
from shoptalk.fitting import Fitted, Pool
from shoptalk.models.ragged import Ragged
from shoptalk.retrieval.dense import Dense
from shoptalk.retrieval.metrics import DEPTH, per_query
from shoptalk.shipping import losses
from shoptalk.training.ranks import embedded

POINTS = (0.25, 0.5, 0.75, 1.0)
"""Shares of the way from base to trained weights that ``trainer.interpolate=dev`` chooses from."""


def checked(alphas: Sequence[float] | None, domain: Domain) -> list[float]:
    """``evaluation.interpolate`` in rising order; empty where it is off.

    Raises:
        InputError: a point is no number between 0 and 1, or the domain has no dev split to measure on.
    """
    for alpha in alphas or ():
        if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < 1:
            raise InputError(f"evaluation.interpolate={list(alphas)} holds {alpha}; give numbers above 0 and below 1.")
    if alphas and "dev" not in domain.splits:
        raise InputError("evaluation.interpolate measures on dev, and this domain has no dev split; leave it null.")
    return sorted(set(alphas or ()))


def between(
    alphas: Sequence[float],
    base: Any,
    adapted: Any,
    passages: Ragged,
    judged: Judged,
    corpus: Corpus,
    bar: Callable[[str], AbstractContextManager],
) -> dict[float, np.ndarray]:
    """Each of ``alphas`` to nDCG@10 per query of ``judged``, float64 [n], with the weights that far along.

    Each point embeds the corpus once; of a distributed run every process makes its share.

    Args:
        passages: token ids of the corpus.
    """
    found = {}
    for alpha in alphas:
        encoder = interpolate(base, adapted, alpha)
        with bar(f"embedding with {alpha:.0%} of the way to the adapted model") as tell:
            vectors = embedded(encoder.embed_ids, passages, base.prompt_length("document"), tell)
        ranked = Dense(encoder.embed, vectors)(list(judged.texts), min(DEPTH, len(corpus)))
        found[alpha] = per_query(ranked, list(corpus.ids), judged)["ndcg@10"].to_numpy()
    return found


def kept(fitted: Fitted, base: Any, share: float | None, watch: Pool | None) -> Fitted:
    """``fitted`` with the weights ``share`` of the way from ``base`` to it, which it tells where that is not all.

    Args:
        share: ``None`` takes whichever of ``POINTS`` is best on the pool ``watch``, and of equal ones the nearest to
            ``base``.
    """
    scores = {}
    if share is None:
        scores = {alpha: watch.score(interpolate(base, fitted.encoder, alpha)) for alpha in POINTS}
        share = max(POINTS, key=scores.get)
    if share == 1:
        return replace(fitted, interpolation=scores)
    unsteered = "; no dev query could tell whether more would help" if watch is None else ""
    why = ", the best on dev" if scores else unsteered
    told = f"The kept weights lie {share:.0%} of the way from base to trained model (trainer.interpolate){why}."
    encoder = interpolate(base, fitted.encoder, share)
    return replace(fitted, encoder=encoder, share=share, interpolation=scores, notices=[told])


def curve(found: dict[float, np.ndarray], base: np.ndarray, adapted: np.ndarray) -> list[dict[str, float]]:
    """For ``metrics.json``, with both ends: ``alpha``, ``ndcg@10``, and the counts of ``losses`` against ``base``."""
    ends = {0.0: base, **found, 1.0: adapted}
    return [{"alpha": a, "ndcg@10": float(v.mean()), **losses(v, base)} for a, v in sorted(ends.items())]
