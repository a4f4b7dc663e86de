"""What of efficiency an evaluation measures: an option of the group ``efficiency``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shoptalk.efficiency import index_precision, model_precision
from shoptalk.efficiency.budget import Budget
from shoptalk.efficiency.signs import RESCORED
from shoptalk.errors import InputError, whole_number

_QUERIES = 100
"""Queries that are timed where a budget asks for figures and nobody said how many."""


@dataclass(frozen=True)
class Efficiency:
    """What is measured of each arm, and which smaller forms of dense arms stand beside them.

    Every dimension is combined with every precision of the index and of the model.

    Args:
        queries: that are timed; 0 measures nothing, ``None`` 100 where a budget asks for figures and else nothing.
        rounds: times each of them is searched.
        documents: that are embedded to tell the speed.
        k: results asked of each search.
        dimensions: lengths that vectors are cut to, beside their own.
        index_precisions: keys of ``index_precision.PRECISIONS``.
        model_precisions: ``auto``, keys of ``model_precision.PRECISIONS``, or ``None`` for all that this machine has.
        rescored: candidates of a query that ``binary+int8`` and ``binary+fp32`` put in order anew.

    Raises:
        InputError: a number is out of range, or a precision unknown.
    """

    queries: int | None = None
    rounds: int = 3
    documents: int = 256
    k: int = 10
    dimensions: Sequence[int] = ()
    index_precisions: Sequence[str] = ("fp32",)
    model_precisions: Sequence[str] | None = (model_precision.AUTO,)
    rescored: int = RESCORED

    def __post_init__(self):
        if self.queries != 0 and self.queries is not None:
            whole_number("efficiency.queries", self.queries)
        for name in ("rounds", "documents", "k", "rescored"):
            whole_number(f"efficiency.{name}", getattr(self, name))
        for size in self.dimensions:
            whole_number("efficiency.dimensions", size)
        _known("index_precisions", self.index_precisions, index_precision.PRECISIONS)
        allowed = (model_precision.AUTO, *model_precision.PRECISIONS)
        _known(
            "model_precisions",
            [model_precision.AUTO] if self.model_precisions is None else self.model_precisions,
            allowed,
        )

    def asked(self, budget: Budget) -> Efficiency:
        """This, with the number of queries settled."""
        return replace(self, queries=_QUERIES if budget.limits else 0) if self.queries is None else self


def _known(option: str, names: Sequence[str], options: Sequence[str] | Mapping[str, object]) -> None:
    if not names:
        raise InputError(f"efficiency.{option} is empty; name at least one of {', '.join(options)}.")
    for name in names:
        if name not in options:
            raise InputError(
                f"efficiency.{option} names {name}, which is none of {', '.join(options)}; choose among them."
            )
