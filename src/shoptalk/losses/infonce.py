"""InfoNCE: in one direction or both, with or without a guide."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from shoptalk.errors import InputError
from shoptalk.losses.base import Loss, weighted_mean
from shoptalk.losses.scores import cosine, precise, tempered
from shoptalk.losses.targets import Targets


class InfoNCE(Loss):
    """Cross-entropy of each query's positive among all documents of the batch (van den Oord et al. 2018, eq. 4).

    Similarity is the cosine divided by the temperature, in both directions that of the pair whose loss it is. A
    query all of whose other columns are left out has loss 0.

    A guide (GISTEmbed, Solatorio 2024, arXiv 2402.16829) leaves out column j for query i where its cosine
    g_ij exceeds g_ip - margin, p being the positive, or g_ip - margin·|g_ip| when the margin is relative;
    never the positive itself. These are the two margin strategies of sentence-transformers'
    ``GISTEmbedLoss``. That loss has no document-to-query softmax, and contrasts queries with queries and
    positives with positives unless told not to, which this one never does. With ``symmetric``, the guide
    leaves out query k for the document of pair i by the same limit of pair i: where g_kp exceeds it.

    Args:
        symmetric: take the mean with the loss of each pair's document among the batch's queries. There,
            the negatives of pair i are the queries k of the other pairs, except those of the same
            positive and those whose ``mask`` is true at the positive of i.
        guide_margin: finite, and in [0, 1) when relative; ``None`` takes no guide.
        guide_relative: whether the margin is a share of the positive's cosine.
    """

    def __init__(self, symmetric: bool = False, guide_margin: float | None = None, guide_relative: bool = False):
        super().__init__()
        _check_margin(guide_margin, guide_relative)
        self.symmetric, self.guide_margin, self.guide_relative = symmetric, guide_margin, guide_relative
        self.needs = frozenset() if guide_margin is None else frozenset({"guide"})

    def forward(self, queries: Tensor, documents: Tensor, targets: Targets, temperature: Tensor) -> Tensor:
        """See ``Loss.forward``."""
        cosines, own, positive = cosine(queries, documents), targets.own_temperature, targets.positive
        scores = tempered(cosines, own, temperature)
        loss = self._to_documents(scores, targets)
        if self.symmetric:
            # Row i is the document of pair i: every query in it is taken at the temperature of pair i.
            back = scores[:, positive].T if own is None else tempered(cosines[:, positive].T, own, temperature)
            loss = (loss + self._to_queries(back, targets)) / 2
        return weighted_mean(loss, targets.weight)

    def _to_documents(self, scores: Tensor, targets: Targets) -> Tensor:
        """The loss of each query among the documents, [n]."""
        barred = targets.mask
        if self.guide_margin is not None:
            guide = precise(targets.given("guide"))
            barred = barred | (guide > self._limit(guide, targets.positive))
        return _cross_entropy(scores, barred, targets.positive)

    def _to_queries(self, scores: Tensor, targets: Targets) -> Tensor:
        """The loss of each pair's document among the queries, [n]."""
        positive = targets.positive
        barred = targets.mask[:, positive].T | (positive[:, None] == positive)
        if self.guide_margin is not None:
            guide = precise(targets.given("guide"))
            of_queries = guide[:, positive].T
            barred = barred | (of_queries > self._limit(guide, positive))
        return _cross_entropy(scores, barred, torch.arange(len(positive), device=positive.device))

    def _limit(self, guide: Tensor, positive: Tensor) -> Tensor:
        """The highest cosine, by the guide, of a negative of each pair, [n, 1]."""
        own = guide.gather(1, positive[:, None])
        return own - self.guide_margin * (own.abs() if self.guide_relative else 1)


def _cross_entropy(scores: Tensor, barred: Tensor, label: Tensor) -> Tensor:
    """Of each row's ``label`` among the columns not ``barred``, itself always among them, [n]."""
    barred = barred.scatter(1, label[:, None], False)
    return functional.cross_entropy(scores.masked_fill(barred, float("-inf")), label, reduction="none")


def _check_margin(margin: float | None, relative: bool) -> None:
    if margin is None and relative:
        raise InputError("loss.base.guide_relative=true says how a margin is meant: give loss.base.guide_margin too.")
    if margin is not None and not math.isfinite(margin):
        raise InputError(f"loss.base.guide_margin={margin} must be finite, say 0.05, or null for no guide.")
    if margin is not None and relative and not 0 <= margin < 1:
        raise InputError(f"loss.base.guide_margin={margin} is a share of the positive's score: give one in [0, 1).")
