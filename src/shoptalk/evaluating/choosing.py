"""Which arm is the best."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from shoptalk import comparing
from shoptalk.efficiency.budget import Budget, Measured
from shoptalk.efficiency.cost import Cost


@dataclass(frozen=True)
class Choice:
    """The arm chosen.

    Attributes:
        winner: its name; ``None`` where the budget bars every arm.
        best: the arm that would have been chosen had none been barred.
        barred: arm to what it misses of the budget.
        missed: where there is no winner, a sentence on by how much the nearest misses.
    """

    winner: str | None
    best: str
    barred: Mapping[str, str] = field(default_factory=dict)
    missed: str = ""


def choose(
    table: pl.DataFrame, split: str, costs: Mapping[str, Cost] | None = None, budget: Budget | None = None
) -> Choice:
    """The arm with the highest mean nDCG@10 on ``split`` of those that meet ``budget``, of equals the first named.

    Args:
        table: as ``comparing.judge`` makes it.
        costs: arm to what it costs; what was not measured meets no limit.
    """
    budget, costs = budget or Budget(), costs or {}
    scores = {arm: told[comparing.HEADLINE] for arm, told in comparing.arm_means(table, split).items()}
    found = budget.choose([Measured(arm, score, costs.get(arm, Cost())) for arm, score in scores.items()])
    barred = {arm.name: budget.missed(arm.cost) for arm in found.arms if budget.over(arm.cost)}
    winner = found.winner.name if found.winner else None
    return Choice(winner, found.best.name, barred, "" if winner else found.told())
