"""A sweep from its options to its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from shoptalk import launch
from shoptalk.errors import InputError
from shoptalk.studies.grammar import parse
from shoptalk.studies.sampling import Sampling
from shoptalk.studies.storage import address, locked
from shoptalk.studies.study import Given, Study
from shoptalk.sweeps import closing, leaving, workers
from shoptalk.sweeps.composing import check, identity, split
from shoptalk.sweeps.jobs import Jobs
from shoptalk.sweeps.options import Options
from shoptalk.sweeps.telling import Telling


class Sweep:
    """One sweep.

    Args:
        options: of the sweeper.
        config: Hydra's of the application, before any job.
        loader: Hydra's, which composes the configs of jobs.
        launcher: Hydra's.
        arguments: the overrides of the command line but for Hydra's own.

    Raises:
        InputError: something is wrong that would only show in a trial.
    """

    def __init__(self, options: Options, config: DictConfig, loader: Any, launcher: Any, arguments: Sequence[str]):
        self.options, self.config, self.loader, self.launcher = options, config, loader, launcher
        self.folder = Path(config.hydra.sweep.dir)
        self.worker = workers.place()
        self.console = Console()
        searched, self.fixed = split(options.params, arguments, loader)
        self.space = parse(searched, options.simplex, options.when, loader)
        if not self.space.parameters:
            raise InputError("Nothing is searched: name an option in hydra.sweeper.params, or as loss=choice(a,b).")
        sampling = Sampling(options.sampler, options.seed, bool(options.constraints), self.space.conditional)
        everything = self.space.all()
        if sampling.grid and everything is None:
            raise InputError("GridSampler needs some choices or ranges: give intervals steps, as range(0.1,1,0.1).")
        check(self.space, self.fixed, config, loader)
        most = options.n_trials if everything is None or options.repeats else len(everything)
        total = min(options.n_trials, most)
        self.study = Study(
            self.folder,
            address(options.storage, self.folder),
            options.study,
            self.space,
            sampling,
            options.objectives,
            total,
            options.repeats,
            identity(self.space, self.fixed, options.objectives, config, loader),
        )

    def run(self) -> Mapping[str, Any]:
        """All trials, then what is said and left at their end; ``closing.json``'s content where there is one."""
        if self.worker:
            self._work()
            launch.forgive()
            return {}
        self.folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, self.folder / "multirun.yaml")
        for sentence in (*self.study.begin(self.options.enqueue, self.options.warm_start), *self._said()):
            self.console.print(sentence, highlight=False, soft_wrap=True)
        telling = Telling(self.study, self.console, self.options.workers)
        if self.options.workers > 1 and not self.study.finished:
            self._share_out(telling)
        else:
            self._work(telling)
        if not self.study.finished:
            self.console.print("What is left is with other workers; the last one to end closes the sweep.")
            return {}
        with locked(self.folder / ".closing"):
            return self._end()

    def _said(self) -> list[str]:
        told = [f"Sweep [bold]{self.options.study}[/]: {self.study.total} trials over {', '.join(self.space.told())}, "
                f"by {self.study.sampling.name}; {self.folder}"]  # fmt: skip
        if self.options.fidelity:
            told.append(f"Trials are smaller than the problem: {self.options.fidelity}.")
        if self.options.prunes and not self.options.pruning:
            told.append("Nothing is pruned: with several objectives no trial can be said to be hopeless.")
        return told

    def _work(self, telling: Telling | None = None) -> None:
        """Take trials until none is left."""
        jobs = Jobs(self.launcher, self.options, self.study, [*self.fixed, *self._threads()])
        while given := self._given():
            try:
                jobs.run(given)
            except BaseException:
                for one in given:
                    self.study.leave(one)
                raise
            if telling:
                telling.tell()

    def _given(self) -> list[Given]:
        found: list[Given] = []
        while len(found) < self.options.batch and (one := self.study.give()):
            found.append(one)
        return found

    def _share_out(self, telling: Telling) -> None:
        threads = workers.threads_each(self.options.workers)
        self.console.print(f"{self.options.workers} workers of {threads} thread(s) each; {self.folder / 'workers'}")
        failed = workers.work(self.options.workers, threads, self.folder, telling.tell)
        if failed and not self.study.finished:
            raise InputError(
                f"{len(failed)} of {self.options.workers} workers ended early, see {self.folder / 'workers'}; "
                "the same command goes on with what is left."
            )

    def _threads(self) -> list[str]:
        """A worker's share of the cores, where the user has not said how many."""
        asked = any(line.startswith("threads=") for line in self.fixed)
        return [f"threads={workers.threads_each(self.worker[1])}"] if self.worker and not asked else []

    def _end(self) -> Mapping[str, Any]:
        best, found = self.study.best(), None
        if not best:
            raise InputError(f"None of {len(self.study.trials)} trials finished with figures; {self.folder} tells why.")
        launch.forgive()
        if self.options.closing_seeds:
            first = max(best, key=lambda trial: trial.values[0] * self._sign())
            self.console.print("Training the best configuration and the default again, for test.")
            found = closing.close(self.launcher, self.options, self.fixed, self.folder, first, self._threads())
            for sentence in closing.sentences(found, self.options.fidelity) if found else ():
                self.console.print(sentence, highlight=False, soft_wrap=True)
            if found:
                (self.folder / "closing.json").write_text(json.dumps(found, indent=1) + "\n")
            else:
                self.console.print("Nothing was compared on test: the domain has none, or a run failed.")
        leaving.leave(self, found)
        return found or {}

    def _sign(self) -> int:
        return 1 if next(iter(self.options.objectives.values())) == "maximize" else -1
