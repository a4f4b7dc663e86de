"""What ``conf/hydra/sweeper/study.yaml`` holds."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shoptalk.errors import InputError, unset

_BY_OPTION = ("params", "simplex", "when", "objectives", "constraints")
DIRECTIONS = ("maximize", "minimize")
_RELATIONS = {"<=": (operator.sub, 1), ">=": (operator.sub, -1)}


@dataclass(frozen=True)
class Options:
    """A sweep's options.

    Attributes:
        study: its name; it lies in the folder of that name.
        n_trials: in all, those of earlier starts among them.
        workers: processes on this machine that share out its trials and threads.
        batch: trials given to Hydra's launcher together; more than 1 is for launchers that run jobs side by side.
        params: option to Hydra's ``choice``, ``range`` or ``interval``; the command line may add to them.
        simplex: option to names of shares that sum to 1.
        when: option to the choice of another under which it counts.
        objectives: place in ``metrics.json`` to ``maximize`` or ``minimize``; the first counts where one must.
        constraints: place in ``metrics.json`` to ``<= 600`` or ``>= 0.5``.
        sampler: Optuna's, by ``_target_``.
        pruner: Optuna's, by ``_target_``; ``None`` prunes nothing.
        storage: a database's URL; ``None`` for a journal in the sweep's folder.
        enqueue: configurations to try first.
        warm_start: earlier sweeps whose trials the sampler may learn from.
        repeats: whether a configuration may be tried twice.
        seed: of the sampler.
        keep: ``best`` deletes the models of trials that others beat, ``all`` keeps them.
        fidelity: in which way trials are smaller than the problem, in words; it is said wherever their figures are.
        closing_seeds: with which the best configuration and the default are trained again and read on test; none
            leaves that out.
        closing: overrides of these runs, as for a larger budget.
    """

    study: str
    n_trials: int = 50
    workers: int = 1
    batch: int = 1
    params: Mapping[str, str] = field(default_factory=dict)
    simplex: Mapping[str, Sequence[str]] = field(default_factory=dict)
    when: Mapping[str, str] = field(default_factory=dict)
    objectives: Mapping[str, str] = field(default_factory=lambda: {"dev.adapted.ndcg@10": "maximize"})
    constraints: Mapping[str, str] = field(default_factory=dict)
    sampler: Mapping[str, Any] = field(default_factory=lambda: {"_target_": "optuna.samplers.TPESampler"})
    pruner: Mapping[str, Any] | None = None
    storage: str | None = None
    enqueue: Sequence[Mapping[str, Any]] = ()
    warm_start: Sequence[str] = ()
    repeats: bool = False
    seed: int = 0
    keep: str = "best"
    fidelity: str = ""
    closing_seeds: Sequence[int] = (0, 1, 2)
    closing: Sequence[str] = ()

    def __post_init__(self):
        for name in _BY_OPTION:
            object.__setattr__(self, name, flat(getattr(self, name) or {}))
        for name in ("n_trials", "workers", "batch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"hydra.sweeper.{name}={value} is not possible; give a whole number of 1 or more.")
        if not self.study:
            raise InputError(unset("hydra.sweeper.study"))
        if "/" in self.study or "=" in self.study:
            raise InputError(f"hydra.sweeper.study={self.study} must be the name of a folder, without / and =.")
        if self.keep not in ("best", "all"):
            raise InputError(f"hydra.sweeper.keep={self.keep} must be best or all.")
        if not self.objectives:
            raise InputError("hydra.sweeper.objectives is empty; name a figure of metrics.json.")
        for place, direction in self.objectives.items():
            if direction not in DIRECTIONS:
                raise InputError(f"hydra.sweeper.objectives.{place}={direction} must be maximize or minimize.")
        for place, bound in self.constraints.items():
            _bound(place, bound)

    @property
    def pruning(self) -> bool:
        """Whether trials are stopped early; a study of several objectives cannot say which trial is hopeless."""
        return self.prunes and len(self.objectives) == 1

    @property
    def prunes(self) -> bool:
        """Whether the pruner is one."""
        return self.pruner is not None and not self.pruner["_target_"].endswith(".NopPruner")


def flat(options: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    """Mappings by names with dots: a dot on the command line opens a mapping, in a yaml file it is part of the name."""
    found: dict[str, Any] = {}
    for key, value in options.items():
        found |= flat(value, f"{head}{key}.") if isinstance(value, Mapping) else {f"{head}{key}": value}
    return found


def _bound(place: str, asked: str) -> tuple[str, float]:
    relation, number = str(asked).strip()[:2], str(asked).strip()[2:]
    try:
        if relation not in _RELATIONS:
            raise ValueError
        return relation, float(number)
    except ValueError:
        raise InputError(f"hydra.sweeper.constraints.{place}={asked} must be like '<= 600' or '>= 0.5'.") from None


def figure(metrics: Mapping[str, Any], place: str) -> float:
    """A figure of ``metrics.json``, NaN where there is none.

    ``place`` goes down by dots: ``seconds.fit``.
    """
    found: Any = metrics
    for part in place.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return float(found) if isinstance(found, int | float) else float("nan")


def violations(metrics: Mapping[str, Any], constraints: Mapping[str, str]) -> list[float]:
    """By how much each constraint is violated, 0 or less where it is kept."""
    found = []
    for place, asked in constraints.items():
        relation, bound = _bound(place, asked)
        subtract, sign = _RELATIONS[relation]
        found.append(sign * subtract(figure(metrics, place), bound))
    return found
