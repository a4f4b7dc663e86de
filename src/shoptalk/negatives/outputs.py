"""What the scores of somebody else's cross-encoder are: logits, or probabilities already."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shoptalk.errors import InputError

Reader = Callable[[np.ndarray], np.ndarray]
"""Scores as a model gives them to logits, float32 of the same shape; NaN stays NaN."""

_EDGE = 1e-6


def as_they_are(scores: np.ndarray) -> np.ndarray:
    """Logits already."""
    return scores


@dataclass(frozen=True)
class FromProbabilities:
    """Log-odds of probabilities, drawn in to [1e-6, 1 - 1e-6].

    Attributes:
        low: the lowest score there can be: 0, or -1 for the difference of two probabilities that sum to 1.
    """

    low: float = 0.0

    def holds(self, scores: np.ndarray) -> bool:
        """Whether every score can be one."""
        return bool(((scores >= self.low) & (scores <= 1) | np.isnan(scores)).all())

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """See ``Reader``.

        Raises:
            InputError: a score can be no probability.
        """
        if not self.holds(scores):
            raise InputError(
                f"teacher.output=probability, but the teacher's scores go from {np.nanmin(scores):.3g} to "
                f"{np.nanmax(scores):.3g}; set teacher.output=logit."
            )
        p = ((scores.astype(np.float64) - self.low) / (1 - self.low)).clip(_EDGE, 1 - _EDGE)
        return (np.log(p) - np.log1p(-p)).astype(np.float32)


def whichever(seen: np.ndarray, low: float) -> Reader:
    """Probabilities where every score seen can be one, else logits.

    A teacher whose logits never leave that range is read wrongly; that changes no order, and the calibration
    mends the rest.
    """
    read = FromProbabilities(low)
    return read if read.holds(seen) else as_they_are


OUTPUTS: dict[str, Callable[[np.ndarray, float], Reader]] = {
    "auto": whichever,
    "logit": lambda seen, low: as_they_are,
    "probability": lambda seen, low: FromProbabilities(low),
}
"""Option ``teacher.output`` to the choice of a reader, given the scores of the calibration windows and the lowest
that there can be of a probability."""


def output(name: str) -> Callable[[np.ndarray, float], Reader]:
    """The entry of ``OUTPUTS``.

    Raises:
        InputError: there is none of that name.
    """
    if name not in OUTPUTS:
        raise InputError(f"teacher.output={name}: must be one of {', '.join(OUTPUTS)}.")
    return OUTPUTS[name]
