"""A trial as the job sees it: what it reports, and when it is to stop."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from shoptalk.studies.storage import opened

FILE = "trial.json"
PRUNED_FILE = "pruned.json"
"""What a job leaves that was stopped early."""


class Pruned(Exception):
    """The trial is not worth going on with; ``args``: the look at which that was seen, and the figure."""


def write(folder: Path, where: str, study: str, trial_id: int, pruner: Mapping[str, Any] | None) -> Path:
    """Leave what a job needs to know of its trial, wherever it runs; the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"storage": where, "study": study, "trial_id": trial_id, "pruner": pruner}
    (folder / FILE).write_text(json.dumps(told, indent=1) + "\n")
    return folder / FILE


class Watched:
    """The trial that ``path`` tells of.

    Looks, not steps, are reported: trials whose batches or budgets differ are compared at equal shares of their course.
    """

    def __init__(self, path: str | Path):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        told = json.loads(Path(path).read_text())
        self.pruner = None if told["pruner"] is None else instantiate(told["pruner"])
        # No sampler of the study's: nothing is drawn here.
        self.study = optuna.load_study(
            study_name=told["study"],
            storage=opened(told["storage"]),
            sampler=optuna.samplers.RandomSampler(),
            pruner=self.pruner or optuna.pruners.NopPruner(),
        )
        self.trial = optuna.trial.Trial(self.study, told["trial_id"])

    def look(self, place: int, score: float) -> bool:
        """Report what was seen at the look ``place`` (1, 2, …); whether to stop."""
        if self.pruner is None:
            return False
        self.trial.report(score, place)
        return self.trial.should_prune()
