"""Quality and cost of every arm and of its smaller forms."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from shoptalk import comparing
from shoptalk.arms.base import Arm, Bench, Opened
from shoptalk.arms.encoder import EncoderArm
from shoptalk.domain.judgments import Judged
from shoptalk.efficiency.budget import Budget
from shoptalk.efficiency.catalogue import shortlist
from shoptalk.efficiency.cost import Cost
from shoptalk.efficiency.grid import grid
from shoptalk.efficiency.measure import Measure
from shoptalk.efficiency.options import Efficiency
from shoptalk.errors import InputError
from shoptalk.reporting.progress import clock
from shoptalk.system import give_back_memory


@dataclass(frozen=True)
class Measured:
    """What was found of all arms.

    Attributes:
        per_query: as ``comparing.judge`` makes it.
        ranked: the first documents of each query, as ``comparing.shown`` makes it.
        facts: arm to what is known of it, its ``notices`` among that.
        costs: arm to what it costs, where that was measured.
    """

    per_query: pl.DataFrame
    ranked: pl.DataFrame
    facts: Mapping[str, Mapping[str, Any]]
    costs: Mapping[str, Cost]

    def with_last(self, read: "Measured") -> "Measured":
        """This, and what was read last of some of the arms."""
        tables = [pl.concat(pair, how="diagonal") for pair in ((self.per_query, read.per_query),
                                                               (self.ranked, read.ranked))]  # fmt: skip
        return Measured(*tables, self.facts, self.costs)


class Measuring:
    """Opens arms one at a time and measures them.

    Args:
        queries: real ones, some of which are timed.
    """

    def __init__(self, bench: Bench, options: Efficiency, queries: Sequence[str]):
        self.bench, self.options = bench, options
        self.cost = Measure(queries, bench, options)

    def all(self, arms: Sequence[Arm], splits: Mapping[str, Judged]) -> Measured:
        """Every arm and its forms on every split, and what they cost."""
        return self._measured([row for arm in arms for row in self._forms(arm, splits, None)])

    def some(self, arms: Sequence[Arm], names: Collection[str], splits: Mapping[str, Judged]) -> Measured:
        """The arms or forms named, on every split."""
        return self._measured([row for arm in arms for row in self._forms(arm, splits, names)])

    def _forms(self, arm: Arm, splits: Mapping[str, Judged], names: Collection[str] | None) -> list[tuple]:
        if names is not None and not any(_form_of(name, arm.name) for name in names):
            return []
        give_back_memory()  # what the arm before it held
        began, rows = time.perf_counter(), []
        for name, form in grid(arm.name, arm.open(self.bench), self.bench, self.options):
            if names is None or name in names:
                rows.append((name, *self._one(name, form, splits, costs=names is None)))
        self.bench.say(f"  {arm.name} on {' and '.join(splits)}: {clock(time.perf_counter() - began)}")
        return rows

    def _one(self, name: str, form: Opened, splits: Mapping[str, Judged], costs: bool) -> tuple:
        found = comparing.search_all({name: form.search}, splits, self.bench.corpus)
        tables = [make(found, splits, self.bench.corpus) for make in (comparing.scored, comparing.shown)]
        cost = self.cost(form) if costs else Cost()
        return *tables, {**form.facts, "notices": [*form.notices, *cost.notices]}, cost

    def _measured(self, rows: Sequence[tuple]) -> Measured:
        names, tables, ranked, facts, costs = zip(*rows, strict=True)
        timed = {name: cost for name, cost in zip(names, costs, strict=True) if self.cost.queries}
        return Measured(
            pl.concat(tables, how="diagonal"), pl.concat(ranked), dict(zip(names, facts, strict=True)), timed
        )


def _form_of(name: str, arm: str) -> bool:
    """Whether ``name`` is that of the arm or of one of its forms, as ``arm@128/int8``; see ``grid``."""
    return name == arm or (name.startswith(arm) and name[len(arm)] in "@:/")


def shortlisted(
    arms: Sequence[Arm], budget: Budget, options: Efficiency, baseline: str
) -> tuple[list[Arm], dict[str, str]]:
    """The arms that can possibly meet a budget by what the catalogue knows, and why each of the others cannot.

    The baseline stays. Nothing is downloaded.

    Raises:
        InputError: none is left.
    """
    refused = shortlist(budget, options).refused
    out = {a.name: refused[a.name] for a in arms
           if isinstance(a, EncoderArm) and a.name in refused and a.name != baseline}  # fmt: skip
    kept = [arm for arm in arms if arm.name not in out]
    if not kept:
        raise InputError(f"No retriever can meet the budget: {'; '.join(f'{n}: {why}' for n, why in out.items())}.")
    return kept, out
