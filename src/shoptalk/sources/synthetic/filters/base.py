"""What a filter is."""

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl

from shoptalk.errors import InputError, whole_number
from shoptalk.sources.pairs import Ground


class Filter(Protocol):
    """Drops rows of a table with ``row`` (of the corpus), ``query`` as it was written, and ``rule``.

    Attributes:
        reason: under which its rows are counted and kept among the rejected.
    """

    reason: str

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """bool [rows of ``written``], true where the query is not worth training on."""
        ...


class Telling:
    """A filter that tells several faults apart: each is counted on its own, as "reason: fault"."""

    reason: str

    def faults(self, written: pl.DataFrame, ground: Ground) -> Sequence[str | None]:
        """What is wrong with each row, in a word or two; ``None`` where nothing is."""
        raise NotImplementedError

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Rows with a fault."""
        return np.array([fault is not None for fault in self.faults(written, ground)], dtype=bool)


def reasons(one: Filter, written: pl.DataFrame, ground: Ground) -> pl.Series:
    """String [rows of ``written``]: why ``one`` drops a row, null where it keeps it."""
    if isinstance(one, Telling):
        found = [fault and f"{one.reason}: {fault}" for fault in one.faults(written, ground)]
    else:
        found = [one.reason if dropped else None for dropped in one.drops(written, ground)]
    return pl.Series("reason", found, dtype=pl.String)


Rules = Sequence[tuple[str, re.Pattern[str]]]
"""A fault's name and how it looks, tried from the top."""


def first(rules: Rules, text: str) -> str | None:
    """The first rule found in ``text``."""
    return next((name for name, rule in rules if rule.search(text)), None)


def grams(text: str) -> set[str]:
    """Character 3-grams of a text with two blanks before it and one behind."""
    padded = f"  {text} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


def count(key: str, value: int) -> int:
    """``value``, a whole number of 1 or more."""
    return whole_number(f"filters.{key}", value)


def share(key: str, value: float) -> float:
    """``value``, above 0 and at most 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise InputError(f"filters.{key}={value} is not possible; give a number above 0 and at most 1.")
    return value
