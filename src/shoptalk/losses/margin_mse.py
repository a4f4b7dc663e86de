"""Margin-MSE: the student's margins between documents become the teacher's."""

import torch
from torch import Tensor

from shoptalk.errors import InputError
from shoptalk.losses.base import Loss, weighted_mean
from shoptalk.losses.scores import cosine, dot, precise, tempered
from shoptalk.losses.targets import Targets


def _scaled_cosine(queries: Tensor, documents: Tensor, own: Tensor | None, temperature: Tensor) -> Tensor:
    return tempered(cosine(queries, documents), own, temperature)


def _plain_dot(queries: Tensor, documents: Tensor, own: Tensor | None, temperature: Tensor) -> Tensor:
    return dot(queries, documents)


_SIMILARITIES = {"cosine": _scaled_cosine, "dot": _plain_dot}


class MarginMSE(Loss):
    """Squared difference of student's and teacher's margins (Margin-MSE, Hofstätter et al. 2020, arXiv 2010.02666).

    Per pair of query i and positive p, the mean of ((s_ip - s_ij) - (t_ip - t_ij))² over the other columns j
    that the teacher judged and that are not masked. A pair whose positive was not judged, or that has no
    such column, carries no weight; where no pair carries any, the loss is 0.

    Args:
        similarity: of the student, "cosine" (divided by the temperature, so that its margins can be as
            large as a teacher's) or "dot" (of the vectors as they are, whatever the temperature).
    """

    needs = frozenset({"teacher"})

    def __init__(self, similarity: str = "cosine"):
        super().__init__()
        if similarity not in _SIMILARITIES:
            raise InputError(f"loss.base.similarity={similarity} is unknown: take {' or '.join(_SIMILARITIES)}.")
        self._similarity, self.tempered = _SIMILARITIES[similarity], similarity != "dot"

    def forward(self, queries: Tensor, documents: Tensor, targets: Targets, temperature: Tensor) -> Tensor:
        """See ``Loss.forward``."""
        positive, teacher = targets.positive[:, None], precise(targets.given("teacher"))
        judged = ~teacher.isnan()
        compared = (judged & judged.gather(1, positive) & ~targets.mask).scatter(1, positive, False)
        scores = self._similarity(queries, documents, targets.own_temperature, temperature)
        student = _margins(scores, positive)
        aim = _margins(teacher.masked_fill(~judged, 0), positive)  # no NaN enters the arithmetic
        squared = torch.where(compared, student - aim, 0).square()
        count = compared.sum(dim=1)
        return weighted_mean(squared.sum(dim=1) / count.clamp_min(1), targets.weight * (count > 0))


def _margins(scores: Tensor, positive: Tensor) -> Tensor:
    """By how much each row's positive exceeds each column, [n, m]."""
    return scores.gather(1, positive) - scores
