"""Which arm is the best."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from shoptalk import comparing
from shoptalk.errors import InputError


@dataclass(frozen=True)
class Choice:
    """The arm chosen.

    Attributes:
        winner: its name.
        best: the arm that would have been chosen had none been barred.
        barred: arm to why it could not be chosen.
    """

    winner: str
    best: str
    barred: Mapping[str, str] = field(default_factory=dict)


def choose(table: pl.DataFrame, split: str, barred: Mapping[str, str] | None = None) -> Choice:
    """The arm with the highest mean nDCG@10 on ``split``, of equals the first named.

    Args:
        table: as ``comparing.judge`` makes it.
        barred: arm to why it must not be chosen, as what it misses of a budget.

    Raises:
        InputError: every arm is barred.
    """
    barred = dict(barred or {})
    scores = {arm: told[comparing.HEADLINE] for arm, told in comparing.arm_means(table, split).items()}
    admitted = {arm: score for arm, score in scores.items() if arm not in barred}
    if not admitted:
        raise InputError(f"No arm can be chosen: {'; '.join(f'{arm}: {why}' for arm, why in barred.items())}.")
    return Choice(max(admitted, key=admitted.get), max(scores, key=scores.get), barred)
