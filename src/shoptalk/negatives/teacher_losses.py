"""What a teacher of our own minimises over a pair's document and its negatives."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class TeacherLoss(Protocol):
    """A weighted sum over examples, so that parts of a step add up to the whole.

    Attributes:
        whole_pairs: whether all examples of a pair must stand in one part.
    """

    whole_pairs: bool

    def __call__(self, logits: "Tensor", labels: "Tensor", weights: "Tensor", pairs: "Tensor") -> "Tensor":
        """Σ wℓ, a scalar.

        Args:
            logits: float32 [n].
            labels: float32 [n], 1 for a pair's document and 0 for a negative.
            weights: float32 [n], the pair's weight.
            pairs: int64 [n], the pair's number; examples of a pair stand side by side.
        """
        ...

    def mass(self, labels: "Tensor", weights: "Tensor") -> "Tensor":
        """Σ w, the scalar that the sum over a step is divided by."""
        ...


class Bce:
    """Binary cross-entropy of every example by itself.

    A logit means the same for every query, which is what a calibration over all of them needs.
    """

    whole_pairs = False

    def __call__(self, logits: "Tensor", labels: "Tensor", weights: "Tensor", pairs: "Tensor") -> "Tensor":
        """See ``TeacherLoss``."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(logits, labels, weights, reduction="sum")

    def mass(self, labels: "Tensor", weights: "Tensor") -> "Tensor":
        """The weight of all examples."""
        return weights.sum()


class Listwise:
    """Softmax cross-entropy of the pair's document over it and its negatives (Gao et al. 2021, arXiv 2101.08751).

    It learns the order within a query. A constant added to all logits of a query changes nothing, so that their
    level carries less from one query to the next than with ``Bce``.
    """

    whole_pairs = True

    def __call__(self, logits: "Tensor", labels: "Tensor", weights: "Tensor", pairs: "Tensor") -> "Tensor":
        """See ``TeacherLoss``; every pair has one positive."""
        import torch

        _, number, size = torch.unique_consecutive(pairs, return_inverse=True, return_counts=True)
        place = torch.arange(len(pairs), device=pairs.device) - (size.cumsum(0) - size)[number]
        lists = logits.new_full((len(size), int(size.max())), -torch.inf)
        lists = lists.index_put((number, place), logits)
        positive = labels > 0
        losses = torch.nn.functional.cross_entropy(lists, place[positive], reduction="none")
        return (losses * weights[positive]).sum()

    def mass(self, labels: "Tensor", weights: "Tensor") -> "Tensor":
        """The weight of all pairs."""
        return weights[labels > 0].sum()
