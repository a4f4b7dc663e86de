"""KL: the student's distribution over documents becomes the teacher's."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from shoptalk.errors import InputError
from shoptalk.losses.base import Loss, weighted_mean
from shoptalk.losses.scores import cosine, precise, tempered
from shoptalk.losses.targets import Targets


class KL(Loss):
    """KL(teacher ‖ student) of two softmaxes over documents (Hinton et al. 2015, arXiv 1503.02531, section 2).

    Per pair, over the columns that the teacher judged and that are not masked, the positive among them:
    softmax(t / teacher_temperature) against softmax(cosine / temperature). The paper's factor of the
    squared temperature is left out. A pair with fewer than two such columns has nothing to learn from and
    carries no weight; where no pair carries any, the loss is 0.

    Args:
        teacher_temperature: above 0; higher flattens the teacher's distribution.
    """

    needs = frozenset({"teacher"})

    def __init__(self, teacher_temperature: float = 1.0):
        super().__init__()
        if not (math.isfinite(teacher_temperature) and teacher_temperature > 0):
            raise InputError(
                f"loss.base.teacher_temperature={teacher_temperature} cannot divide a score: "
                "give a number above 0, say 1."
            )
        self.teacher_temperature = teacher_temperature

    def forward(self, queries: Tensor, documents: Tensor, targets: Targets, temperature: Tensor) -> Tensor:
        """See ``Loss.forward``."""
        teacher = precise(targets.given("teacher"))
        compared = ~(teacher.isnan() | targets.mask)
        scores = tempered(cosine(queries, documents), targets.own_temperature, temperature)
        student = _log_softmax(scores, compared)
        aim = _log_softmax(teacher / self.teacher_temperature, compared)
        divergence = functional.kl_div(student, aim, reduction="none", log_target=True).sum(dim=1)
        return weighted_mean(divergence, targets.weight * (compared.sum(dim=1) > 1))


def _log_softmax(scores: Tensor, compared: Tensor) -> Tensor:
    """Along each row, over ``compared`` alone; the others get probability 0."""
    # The lowest number and not -inf, which makes NaN of a row with nothing to compare.
    return scores.masked_fill(~compared, torch.finfo(scores.dtype).min).log_softmax(dim=1)
