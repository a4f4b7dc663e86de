"""The temperature of the InfoNCE softmax: fixed, learned, or annealed over the run."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from shoptalk.errors import InputError


def _positive(name: str, value: float) -> float:
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise InputError(f"temperature.{name}={value} cannot divide a score: give a number above 0, say 0.05.")
    return float(value)


class Temperature(nn.Module):
    """``forward(progress)``, progress in [0, 1] of all steps -> scalar tensor above 0.

    Args:
        by_source: fixed temperature of each source whose pairs do not take this one, ``None`` where they do.
    """

    def __init__(self, by_source: Mapping[str, float | None] | None = None):
        super().__init__()
        self.by_source = {
            s: _positive(f"by_source.{s}", own) for s, own in (by_source or {}).items() if own is not None
        }

    def forward(self, progress: float) -> Tensor:
        """The temperature at this point of the run."""
        raise NotImplementedError


class Fixed(Temperature):
    """One value throughout."""

    def __init__(self, value: float, **common):
        super().__init__(**common)
        self.register_buffer("value", torch.tensor(_positive("value", value)), persistent=False)

    def forward(self, progress: float) -> Tensor:
        """The value."""
        return self.value


class Learned(Temperature):
    """A parameter, kept as its logarithm and clamped to [low, high] (Radford et al. 2021, section 2.3)."""

    def __init__(self, initial: float, low: float, high: float, **common):
        super().__init__(**common)
        low, initial, high = _positive("low", low), _positive("initial", initial), _positive("high", high)
        if not low <= initial <= high:
            raise InputError(f"temperature.initial={initial} must lie within [low={low}, high={high}].")
        self.log = nn.Parameter(torch.tensor(math.log(initial)))
        self.bounds = (math.log(low), math.log(high))

    def forward(self, progress: float) -> Tensor:
        """The learned value, within its bounds."""
        return self.log.clamp(*self.bounds).exp()


class Annealed(Temperature):
    """From ``start`` to ``end`` along half a cosine, in logarithms."""

    def __init__(self, start: float, end: float, **common):
        super().__init__(**common)
        self.start, self.end = _positive("start", start), _positive("end", end)
        self.register_buffer("unit", torch.tensor(1.0), persistent=False)

    def forward(self, progress: float) -> Tensor:
        """The value at this point: ``start`` at 0, ``end`` at 1."""
        share = (1 - math.cos(math.pi * min(max(progress, 0.0), 1.0))) / 2
        return self.unit * math.exp((1 - share) * math.log(self.start) + share * math.log(self.end))
