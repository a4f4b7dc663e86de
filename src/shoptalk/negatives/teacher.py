"""Where calibrated probabilities of relevance come from, and what a teacher may use."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged, Known
from shoptalk.errors import InputError
from shoptalk.negatives.mined import Relevance, Search
from shoptalk.negatives.teacher_training import Tell

Bar = Callable[[str], AbstractContextManager[Tell]]
"""``with bar("title") as tell: tell(done, of)``."""


def no_bar(title: str) -> AbstractContextManager[Tell]:
    """Progress that nobody watches."""
    return nullcontext(lambda done, of: None)


@dataclass(frozen=True)
class TeacherAsk:
    """What a teacher may use.

    Attributes:
        pairs: all pairs of the chosen sources, before mixing (Pairs schema).
        dense: exact search over the base model's embeddings.
        encoder: the base model (``shoptalk.models.encoder.Encoder``); it is copied, never trained.
        window: ranks [low, high) of ``dense`` that the candidates to be judged come from.
        calibration: judged queries; ``None`` where the domain has none.
        dev: judged queries to measure the teacher on; they mask and filter nothing.
        threads: of the matrix products; a trained teacher belongs to a number of them.
    """

    pairs: pl.DataFrame
    corpus: Corpus
    known: Known
    dense: Search
    encoder: object
    window: tuple[int, int]
    cache: Cache
    seed: int
    threads: int = 1
    calibration: Judged | None = None
    dev: Judged | None = None
    progress: Bar = no_bar


class Teacher(Protocol):
    """Somebody who can tell how likely a document answers a query."""

    def relevance(self, ask: TeacherAsk) -> Relevance | None:
        """The calibrated teacher; ``None`` where there is none."""
        ...


class NoTeacher:
    """Nobody judges candidates."""

    def relevance(self, ask: TeacherAsk) -> None:
        """No teacher."""
        return None


def at_least(least: int, value: int, name: str) -> int:
    """``value``, or an InputError about ``teacher.<name>`` where it is below ``least``."""
    if value < least:
        raise InputError(f"teacher.{name}={value} must be at least {least}.")
    return value


def above_zero(value: float, name: str) -> float:
    """``value``, or an InputError about ``teacher.<name>`` where it is not above 0."""
    if not value > 0:
        raise InputError(f"teacher.{name}={value} must be above 0.")
    return float(value)
