"""One study: trials are given out one by one, also to many workers, until the total asked for is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shoptalk.errors import InputError
from shoptalk.studies.lease import Lease, alive
from shoptalk.studies.sampling import Sampling, suggest, violations
from shoptalk.studies.space import Space
from shoptalk.studies.storage import JOURNAL, locked, opened

ATTEMPTS = 50
"""Draws that repeat a configuration before any other is taken."""


@dataclass(frozen=True)
class Given:
    """A trial that somebody works on."""

    trial: Any
    overrides: list[str]

    @property
    def number(self) -> int:
        """In the study; names the trial's folder."""
        return self.trial.number


class Study:
    """An Optuna study in a folder that all of its workers see.

    Args:
        folder: of the sweep; leases and the lock lie there.
        where: the storage's address.
        name: of the study in it.
        directions: of the objectives, ``maximize`` or ``minimize``, by name.
        total: trials in all, those of earlier starts among them.
        repeats: whether a configuration may be tried twice.
        identity: digest of all that makes trials comparable; a study begun with another is refused.

    Raises:
        InputError: the study was begun with other options.
    """

    def __init__(
        self, folder: Path, where: str, name: str, space: Space, sampling: Sampling, directions: Mapping[str, str],
        total: int, repeats: bool = False, identity: str = "",
    ):  # fmt: skip
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.folder, self.where, self.space, self.sampling = folder, where, space, sampling
        self.total, self.repeats = total, repeats
        self.names, self._leases = list(directions), {}
        with self.lock():
            self.optuna = optuna.create_study(
                storage=opened(where), study_name=name, directions=list(directions.values()), load_if_exists=True
            )
            begun = self.optuna.user_attrs.get("identity")
            if begun not in (None, identity):
                raise InputError(f"{folder} holds a study begun with another space or other options; name another "
                                 "with hydra.sweeper.study=NAME, which may take its trials over with "
                                 f"hydra.sweeper.warm_start=[{where}].")  # fmt: skip
            if begun is None:
                self.optuna.set_user_attr("identity", identity)
                self.optuna.set_user_attr("objectives", self.names)

    def lock(self):
        """One worker at a time."""
        return locked(self.folder / ".lock")

    @property
    def trials(self) -> list[Any]:
        """The study's own trials, not those taken over."""
        return [t for t in self.optuna.get_trials(deepcopy=False) if "from" not in t.user_attrs]

    def begin(self, enqueue: Sequence[Mapping[str, Any]], over: Sequence[str]) -> list[str]:
        """Take over trials of earlier studies and line up configurations, once; sentences about it."""
        with self.lock():
            if "begun" in self.optuna.user_attrs:
                return []
            if len(enqueue) > self.total:
                raise InputError(
                    f"hydra.sweeper.enqueue lists {len(enqueue)} configurations for n_trials={self.total}."
                )
            lined = [self.space.fixed(asked, f"hydra.sweeper.enqueue[{i}]") for i, asked in enumerate(enqueue)]
            said = [self._take_over(where) for where in over]
            for fixed in lined:
                self.optuna.enqueue_trial(fixed)
            self.optuna.set_user_attr("begun", True)
        return said

    def give(self) -> Given | None:
        """The next trial, with this process's lease on it; ``None`` when all are given out.

        What a dead worker left comes first, then what was lined up, then the sampler's next.
        """
        from optuna.trial import TrialState

        with self.lock():
            self._revive()
            trials = self.trials
            waiting = any(t.state == TrialState.WAITING for t in trials)
            if not waiting and len(trials) >= self.total:
                return None
            number = len(self.optuna.get_trials(deepcopy=False))
            self.optuna.sampler = self.sampling.at(number)
            if not waiting and not self._line_up_next(number):
                return None
            trial = self.optuna.ask()
            drawn = self.space.draw(suggest(trial))
            overrides = self.space.overrides(drawn)
            trial.set_user_attr("overrides", overrides)
            if self.space.simplexes:
                trial.set_user_attr("simplex", self.space.shares(drawn))
            # Before the lock is gone: without a lease the trial would count as abandoned.
            self._leases[trial.number] = Lease(self._lease(trial.number))
        return Given(trial, overrides)

    def take(self, given: Given, values: Sequence[float] | None, **told: Any) -> None:
        """Take back a finished trial: its values, or the ``error`` for which it has none.

        Args:
            told: kept as the trial's attributes; ``pruned`` and ``error`` say what became of it, ``violations`` are
                those of constraints, above 0 where violated.
        """
        from optuna.trial import TrialState

        with self.lock():
            for name, value in told.items():
                given.trial.set_user_attr(name, value)
            state = TrialState.FAIL if "error" in told else TrialState.PRUNED if "pruned" in told else None
            self.optuna.sampler = self.sampling.at(given.number)
            self.optuna.tell(given.number, values=None if state else list(values), state=state or TrialState.COMPLETE)
            self._leases.pop(given.number).release()

    def leave(self, given: Given) -> None:
        """Give back a trial that was stopped, for whoever goes on; one that was taken back already stays as it is."""
        if given.number not in self._leases:
            return
        with self.lock():
            self._to_waiting(given.trial._trial_id)
            self._leases.pop(given.number).release()

    def best(self) -> list[Any]:
        """The best trial that keeps the constraints, or the Pareto-optimal ones; none where none finished."""
        from optuna.study import StudyDirection
        from optuna.trial import TrialState

        kept = [t for t in self.trials if t.state == TrialState.COMPLETE and not any(v > 0 for v in violations(t))]
        signs = np.array([1 if d == StudyDirection.MAXIMIZE else -1 for d in self.optuna.directions])
        gains = np.array([t.values for t in kept]).reshape(len(kept), len(signs)) * signs
        if len(signs) == 1:
            return [kept[int(gains.argmax())]] if kept else []
        return [t for t, own in zip(kept, gains, strict=True)
                if not ((gains >= own).all(axis=1) & (gains > own).any(axis=1)).any()]  # fmt: skip

    @property
    def finished(self) -> bool:
        """Whether all trials are."""
        trials = self.trials
        return len(trials) >= self.total and all(t.state.is_finished() for t in trials)

    def _lease(self, number: int) -> Path:
        return self.folder / "leases" / f"{number}.json"

    def _revive(self) -> None:
        """Trials whose worker died wait again."""
        from optuna.trial import TrialState

        for trial in self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if not alive(self._lease(trial.number)):
                self._to_waiting(trial._trial_id)

    def _to_waiting(self, trial_id: int) -> None:
        from optuna.trial import TrialState

        # Its parameters stay, so that it is the same trial when it is asked for again.
        self.optuna._storage.set_trial_state_values(trial_id, TrialState.WAITING)

    def _line_up_next(self, number: int) -> bool:
        """Line up what the sampler would try next; whether there is anything left to try.

        Proposals are drawn on a copy of the study, so that one that repeats a configuration leaves no trace.
        """
        if not (self.sampling.grid or self.sampling.stateless):
            return True
        tried = {self._key(t.params) for t in self.optuna.get_trials(deepcopy=False)}
        proposals = () if self.sampling.grid else (self._proposed(number, attempt) for attempt in range(ATTEMPTS))
        for drawn in proposals:
            if self.repeats or self._key(drawn) not in tried:
                self.optuna.enqueue_trial(drawn)
                return True
        everything = self.space.all()
        if everything is None:
            self.optuna.enqueue_trial(drawn)
            return True
        left = [drawn for drawn in everything if self._key(drawn) not in tried]
        if not left:
            return False
        place = (
            0 if self.sampling.grid else int(np.random.default_rng([self.sampling.seed, number]).integers(len(left)))
        )
        self.optuna.enqueue_trial(left[place])
        return True

    def _proposed(self, number: int, attempt: int) -> dict[str, Any]:
        import optuna

        copy = optuna.create_study(directions=self.optuna.directions, sampler=self.sampling.at(number, attempt))
        copy.add_trials(self.optuna.get_trials(deepcopy=False))
        return self.space.draw(suggest(copy.ask()))

    def _key(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """What makes two trials the same: their overrides, or what there is of them."""
        drawn = {name: params[name] for name in self.space.parameters if name in params}
        whole = all(p.name in drawn for p in self.space.parameters.values() if p.active(drawn))
        return tuple(self.space.overrides(drawn)) if whole else tuple(f"{k}={v}" for k, v in drawn.items())

    def _take_over(self, where: str) -> str:
        """Trials of earlier studies at ``where`` that lie within this space; a sentence about them."""
        import optuna

        path = Path(where)
        address = where if "://" in where else str(path / JOURNAL if path.is_dir() else path)
        if "://" not in where and not Path(address).is_file():
            raise InputError(f"hydra.sweeper.warm_start names {where}, where no study lies; give a sweep's folder, its "
                             "journal or a database's URL.")  # fmt: skip
        storage, taken, seen = opened(address), 0, 0
        for name in optuna.get_all_study_names(storage):
            if storage is self.optuna._storage and name == self.optuna.study_name:
                continue
            earlier = optuna.load_study(study_name=name, storage=storage, sampler=optuna.samplers.RandomSampler())
            if earlier.directions != self.optuna.directions:
                continue
            for trial in earlier.get_trials(states=(optuna.trial.TrialState.COMPLETE,)):
                seen += 1
                if self._fits(trial):
                    trial.user_attrs["from"] = where
                    self.optuna.add_trial(trial)
                    taken += 1
        return f"{taken} of {seen} finished trials of {where} taken over; they do not count among n_trials."

    def _fits(self, trial: Any) -> bool:
        """Whether a trial is one that this space could have drawn."""
        drawn = self.space.draw(lambda name, _: trial.params.get(name))
        inside = all(
            value is not None and self.space.parameters[name].distribution._contains(
                self.space.parameters[name].distribution.to_internal_repr(value)
            ) and type(trial.distributions[name]) is type(self.space.parameters[name].distribution)
            for name, value in drawn.items()
        )  # fmt: skip
        return inside and set(drawn) == set(trial.params)
