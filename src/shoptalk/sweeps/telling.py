"""What a sweep says in the terminal while it runs."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console

from shoptalk.reporting.progress import clock
from shoptalk.studies.study import Study


class Telling:
    """A line for each trial that ended since the last one."""

    def __init__(self, study: Study, console: Console, workers: int):
        self.study, self.console, self.workers = study, console, workers
        self._told = {t.number for t in study.trials if t.state.is_finished()}
        self._started, self._before = time.perf_counter(), len(self._told)
        if self._told:
            self.console.print(f"{len(self._told)} of {study.total} trials are finished already.")

    def tell(self) -> None:
        """Say what is new."""
        for trial in self.study.trials:
            if trial.state.is_finished() and trial.number not in self._told:
                self._told.add(trial.number)
                self.console.print(self._line(trial), highlight=False)

    def _line(self, trial: Any) -> str:
        done = len(self._told)
        parts = [
            f"[bold]trial {trial.number}[/]  {self._outcome(trial)}",
            *self._best(),
            f"{done} of {self.study.total}",
        ]
        counts = {"pruned": "PRUNED", "failed": "FAIL"}
        states = [t.state.name for t in self.study.trials]
        parts += [f"{states.count(state)} {word}" for word, state in counts.items() if state in states]
        pace = (time.perf_counter() - self._started) / max(1, done - self._before)
        if done < self.study.total:
            parts.append(f"about {clock(pace * (self.study.total - done))} left")
        return " · ".join(parts)

    def _outcome(self, trial: Any) -> str:
        if trial.state.name == "COMPLETE":
            return ", ".join(f"{value:.4g}" for value in trial.values)
        if trial.state.name == "PRUNED":
            return f"pruned at look {trial.user_attrs.get('pruned')}"
        return f"[red]failed[/]: {trial.user_attrs.get('error', 'no reason known')}"

    def _best(self) -> list[str]:
        best = self.study.best()
        if not best:
            return []
        if len(self.study.names) > 1:
            return [f"{len(best)} Pareto-optimal"]
        return [f"best {best[0].values[0]:.4g} (trial {best[0].number})"]
