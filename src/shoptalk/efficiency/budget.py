"""The best arm that meets a budget, and what the budget costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from shoptalk.efficiency.cost import Cost
from shoptalk.errors import InputError

LIMITS = {"latency_ms": "p95_ms", "memory_mb": "memory_mb", "index_mb_per_1m": "index_mb_per_1m"}
"""Option of a budget to the figure of ``Cost`` that it limits."""

_UNITS = {"latency_ms": "ms", "memory_mb": "MB", "index_mb_per_1m": "MB per million documents"}


@dataclass(frozen=True)
class Measured:
    """An arm: its name, its quality (nDCG@10, in [0, 1]) and what it costs."""

    name: str
    quality: float
    cost: Cost


@dataclass(frozen=True)
class Budget:
    """What an arm may cost at most, each above 0; ``None`` leaves it free.

    Args:
        latency_ms: of 95 in 100 queries, one at a time.
        memory_mb: resident, of a process that holds model and index.
        index_mb_per_1m: of the index, for a million documents.

    Raises:
        InputError: a limit is not above 0.
    """

    latency_ms: float | None = None
    memory_mb: float | None = None
    index_mb_per_1m: float | None = None

    def __post_init__(self):
        for name, limit in self.limits.items():
            if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < math.inf:
                raise InputError(f"budget.{name}={limit} must be a number above 0, or null for no limit.")

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set."""
        named = {name: getattr(self, name) for name in LIMITS}
        return {name: limit for name, limit in named.items() if limit is not None}

    def over(self, cost: Cost) -> dict[str, float]:
        """Each limit that ``cost`` does not meet, to figure over limit; infinite where nothing was measured."""
        figures = {name: getattr(cost, LIMITS[name]) for name in self.limits}
        ratios = {n: math.inf if figure is None else figure / self.limits[n] for n, figure in figures.items()}
        return {name: ratio for name, ratio in ratios.items() if ratio > 1}

    def missed(self, cost: Cost) -> str:
        """The limits that ``cost`` does not meet, each with the figure and by how much it is too much."""
        parts = []
        for name, ratio in self.over(cost).items():
            figure = getattr(cost, LIMITS[name])
            much = "not measured" if figure is None else f"{figure:,.4g} {_UNITS[name]}, {ratio - 1:.1%} too much"
            parts.append(f"{name} ({much})")
        return _listed(parts)

    def choose(self, arms: Sequence[Measured]) -> Choice:
        """The best of ``arms``, at least one, with the budget and without; of equally good ones the first."""
        return Choice(self, arms)


@dataclass(frozen=True)
class Choice:
    """What a budget leaves."""

    budget: Budget
    arms: Sequence[Measured]

    @property
    def best(self) -> Measured:
        """The best arm, whatever it costs."""
        return max(self.arms, key=lambda arm: arm.quality)

    @cached_property
    def within(self) -> list[Measured]:
        """The arms that meet the budget."""
        return [arm for arm in self.arms if not self.budget.over(arm.cost)]

    @property
    def winner(self) -> Measured | None:
        """The best arm that meets the budget; ``None`` where none does."""
        return max(self.within, key=lambda arm: arm.quality, default=None)

    @property
    def price(self) -> float | None:
        """nDCG@10 of the best arm less that of the winner, 0 or more."""
        return None if self.winner is None else self.best.quality - self.winner.quality

    @property
    def nearest(self) -> list[Measured]:
        """Arms by how far they miss, least first: by the limit that each misses most."""
        missing = [arm for arm in self.arms if self.budget.over(arm.cost)]
        return sorted(missing, key=lambda arm: max(self.budget.over(arm.cost).values()))

    def told(self) -> str:
        """One sentence: the winner and the price, or by how much the nearest misses."""
        limits = _listed([f"budget.{name}={limit:g}" for name, limit in self.budget.limits.items()])
        if self.winner is None:
            near = self.nearest[0]
            missed = f"the nearest, {near.name}, misses {self.budget.missed(near.cost)}"
            return f"No arm meets {limits}: {missed}; raise that limit or add smaller arms."
        if not limits:
            return f"{self.winner.name} is the best of {len(self.arms)}, with nDCG@10 {self.winner.quality:.4f}."
        met = f"{self.winner.name} is the best of the {len(self.within)} of {len(self.arms)} arms that meet {limits}"
        if self.winner is self.best:
            return f"{met}, and the best of all: the budget costs nothing."
        return f"{met}; the budget costs {100 * self.price:.2f} points of nDCG@10 against {self.best.name}."


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
