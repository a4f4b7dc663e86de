"""Trials as Hydra's jobs: what is launched, and what became of it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus

from shoptalk.launch import ERROR_FILE
from shoptalk.studies.pruning import PRUNED_FILE, write
from shoptalk.studies.study import Given, Study
from shoptalk.sweeps.composing import quoted
from shoptalk.sweeps.options import Options, figure, violations

_HEAVY = ("checkpoints", "model")


@dataclass(frozen=True)
class Jobs:
    """Launches trials of one study.

    Attributes:
        launcher: Hydra's.
        fixed: overrides that all jobs share.
    """

    launcher: Any
    options: Options
    study: Study
    fixed: Sequence[str]

    def run(self, given: Sequence[Given]) -> None:
        """Launch trials together and take them back."""
        lines = [self._overrides(one) for one in given]
        returned = self.launcher.launch(lines, initial_job_idx=given[0].number)
        for one, back in zip(given, returned, strict=True):
            self._take(one, back)

    def folder(self, number: int) -> Path:
        """Where a trial leaves what it found."""
        return self.study.folder / str(number)

    def _overrides(self, given: Given) -> list[str]:
        folder = self.folder(given.number)
        _put_aside(folder)
        pruner = self.options.pruner if self.options.pruning else None
        told = write(folder, self.study.where, self.study.optuna.study_name, given.trial._trial_id, pruner)
        own = [f"run.trial={quoted(told)}", f"run.group={quoted(self.options.study)}",
               f"hydra.sweep.subdir={given.number}"]  # fmt: skip
        return [*self.fixed, *given.overrides, *own]

    def _take(self, given: Given, back: JobReturn) -> None:
        folder = self.folder(given.number)
        told: dict[str, Any] = {"folder": str(folder)}
        metrics = read(folder / "metrics.json")
        values = [figure(metrics, place) for place in self.options.objectives]
        told["seconds"] = figure(metrics, "seconds.total")
        if pruned := read(folder / PRUNED_FILE):
            told["pruned"] = pruned["look"]
        elif reason := _failed(folder, back):
            told["error"] = reason
        elif any(map(math.isnan, values)):
            absent = [p for p, value in zip(self.options.objectives, values, strict=True) if math.isnan(value)]
            told["error"] = f"metrics.json holds no figure {absent[0]}"
        elif self.options.constraints:
            told["violations"] = violations(metrics, self.options.constraints)
        if math.isnan(told["seconds"]):
            del told["seconds"]
        self.study.take(given, values, **told)
        if self.options.keep == "best":
            self._lighten()

    def _lighten(self) -> None:
        """Delete the models of trials that others beat, and checkpoints from which nobody goes on."""
        best = {trial.number for trial in self.study.best()}
        for trial in self.study.trials:
            if trial.state.name in ("COMPLETE", "PRUNED"):
                for name in _HEAVY if trial.number not in best else _HEAVY[:1]:
                    shutil.rmtree(self.folder(trial.number) / name, ignore_errors=True)


def read(path: Path) -> Mapping[str, Any]:
    """A file of JSON; empty where there is none."""
    return json.loads(path.read_text()) if path.is_file() else {}


def _failed(folder: Path, back: JobReturn) -> str:
    if (folder / ERROR_FILE).is_file():
        return (folder / ERROR_FILE).read_text().strip()
    if back.status == JobStatus.COMPLETED:
        return ""
    error = back._return_value
    return f"{type(error).__name__}: {' '.join(str(error).split())}" if isinstance(error, Exception) else "unknown"


def _put_aside(folder: Path) -> None:
    """What a killed worker left of this trial is kept beside it, unless the trial was finished but for the telling."""
    if not folder.exists() or (folder / "metrics.json").is_file():
        return
    places = (folder.with_name(f"{folder.name}.stopped-{n}") for n in range(1, 1000))
    folder.rename(next(place for place in places if not place.exists()))
