"""What a batch's vectors are trained towards."""

from typing import NamedTuple

from torch import Tensor

from shoptalk.errors import InputError


class Targets(NamedTuple):
    """How n queries and m documents of a batch belong together; documents are columns, each once.

    Attributes:
        positive: int64 [n], the column of each query's positive.
        mask: bool [n, m], true where a column must not count as a negative; never at ``positive``.
        weight: float [n], above 0.
        teacher: float [n, m], the teacher's scores (logits), NaN where it judged nothing.
        guide: float [n, m], cosine of query and document by a frozen guide model.
        own_temperature: float [n], above 0 for pairs that do not take the run's temperature, NaN for the others.
    """

    positive: Tensor
    mask: Tensor
    weight: Tensor
    teacher: Tensor | None = None
    guide: Tensor | None = None
    own_temperature: Tensor | None = None

    def given(self, name: str) -> Tensor:
        """``teacher`` or ``guide``, or an InputError where the batch was made without."""
        found = getattr(self, name)
        if found is None:
            raise InputError(
                f"The loss needs the scores of a {name}, and the batches hold none: "
                f"choose a {name}, or a loss that needs none, as loss=infonce."
            )
        return found
