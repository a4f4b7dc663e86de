"""What a study holds, as the page tells it: shares in place of the parameters that Optuna draws them from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

ENOUGH = 5
"""Finished trials below which nothing is fitted to them."""

STATES = {"COMPLETE": "completed", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}


@dataclass(frozen=True)
class Sweep:
    """A study, read once.

    Attributes:
        trials: Optuna's frozen trials; their numbers are 0, 1, 2, ...
        objectives: names, the first of which most plots show.
        maximised: for each objective whether more is better.
        simplexes: name to the parts whose shares add up to 1, as ``{"mixing.ratios": ("clicks", "labels")}``.
        told: user attributes of the study.
    """

    trials: Sequence[Any]
    objectives: Sequence[str]
    maximised: Sequence[bool]
    simplexes: Mapping[str, tuple[str, ...]]
    told: Mapping[str, Any]

    @cached_property
    def finished(self) -> list[Any]:
        """Trials with a finite figure for every objective."""
        return [t for t in self.trials if t.state.name == "COMPLETE" and all(map(isfinite, t.values))]

    @cached_property
    def best(self) -> list[Any]:
        """The first of the best trials; with several objectives all that no other trial beats in every one."""
        found = view(self, self.trials).best_trials if self.finished else []
        best = sorted(self.trials[trial.number] for trial in found)
        return best[:1] if len(self.objectives) == 1 else best

    def count(self, state: str) -> int:
        """How many trials are in a state of ``STATES``' values."""
        return sum(STATES[trial.state.name] == state for trial in self.trials)

    def shown(self, trial: Any) -> dict[str, Any]:
        """Parameter to value, with a simplex as its shares."""
        return {name: value for name, (value, _) in _drawn(self, trial).items()}

    def group(self, param: str) -> str:
        """The simplex that an internal parameter belongs to, or else its own name."""
        name, _, place = param.rpartition("/")
        return name if name in self.simplexes and place.isdigit() else param

    def shares(self, name: str, trial: Any) -> tuple[float, ...] | None:
        """Shares of a simplex in the order of its parts; ``None`` for a trial over other parts."""
        found = trial.user_attrs.get("simplex", {}).get(name, {})
        return tuple(found[p] for p in self.simplexes[name]) if found.keys() == set(self.simplexes[name]) else None


def read(study: Any) -> Sweep:
    """The trials and user attributes of an ``optuna.Study``."""
    trials = study.get_trials(deepcopy=False)
    simplexes: dict[str, dict[str, None]] = {}
    for trial in trials:
        for name, shares in trial.user_attrs.get("simplex", {}).items():
            simplexes.setdefault(name, {}).update(dict.fromkeys(shares))
    return Sweep(
        trials,
        study.user_attrs["objectives"],
        [direction.name == "MAXIMIZE" for direction in study.directions],
        {name: tuple(parts) for name, parts in simplexes.items()},
        study.user_attrs,
    )


def view(sweep: Sweep, trials: Sequence[Any], objective: int | None = None, internal: bool = False) -> Any:
    """An ``optuna.Study`` in memory for Optuna's own plots.

    Args:
        sweep: what the study holds.
        trials: those to draw; the numbers of the others are kept by empty failed trials.
        objective: the only one of the view; ``None`` takes all.
        internal: keep the parameters of simplexes as Optuna draws them.
    """
    import optuna
    from optuna.trial import TrialState, create_trial

    kept = slice(None) if objective is None else slice(objective, objective + 1)
    ways = ["maximize" if maximised else "minimize" for maximised in sweep.maximised]
    found, numbers = optuna.create_study(directions=ways[kept]), {trial.number for trial in trials}
    finished = {trial.number for trial in sweep.finished}
    for trial in sweep.trials:
        drawable = trial.number in finished or trial.state is TrialState.PRUNED
        if trial.number not in numbers or not drawable:
            found.add_trial(create_trial(state=TrialState.FAIL))
            continue
        params = {n: (v, trial.distributions[n]) for n, v in trial.params.items()} if internal else _drawn(sweep, trial)
        found.add_trial(
            create_trial(
                state=trial.state,
                values=list(trial.values[kept]) if trial.number in finished else None,
                params={name: value for name, (value, _) in params.items()},
                distributions={name: distribution for name, (_, distribution) in params.items()},
                intermediate_values=trial.intermediate_values,
            )
        )
    return found


def _drawn(sweep: Sweep, trial: Any) -> dict[str, tuple[Any, Any]]:
    """Parameter to value and Optuna's distribution, with a simplex as its shares."""
    from optuna.distributions import FloatDistribution

    found = {n: (v, trial.distributions[n]) for n, v in trial.params.items() if sweep.group(n) == n}
    for name, shares in trial.user_attrs.get("simplex", {}).items():
        # Shares may leave [0, 1] by a rounding error, which Optuna would refuse.
        found |= {f"{name}.{p}": (min(max(s, 0.0), 1.0), FloatDistribution(0, 1)) for p, s in shares.items()}
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from logging every study made for a plot."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
