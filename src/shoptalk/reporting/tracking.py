"""Where curves and results go: W&B, online or offline, or plain CSV."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from shoptalk.reporting.artifacts import METADATA, keeping
from shoptalk.reporting.negatives import Negatives


def tables(metrics: dict[str, Any], per_query: pl.DataFrame, negatives: Negatives) -> dict[str, pl.DataFrame]:
    """What W&B is handed as tables: every query, every slice, why negatives were dropped, and some of them to read."""
    slices = [
        {"split": split, "slice": column, "value": value, **figures}
        for split, columns in metrics.get("slices", {}).items()
        for column, values in columns.items()
        for value, figures in values.items()
    ]
    told = metrics["negatives"]
    counts = {**told.get("dropped", {}), "kept": told.get("kept"), "filled": told.get("filled")}
    return {
        "per_query": per_query,
        "slices": pl.DataFrame(slices, infer_schema_length=None),
        "negatives/counts": pl.DataFrame({"reason": list(counts), "negatives": list(counts.values())}),
        "negatives/sample": negatives.sample(),
    }


class Silent:
    """Nowhere: the processes of a distributed run beside the first."""

    def start(self, folder: Path, name: str, config: dict[str, Any]) -> bool:
        """No logger, in Lightning's word for it."""
        return False

    def finish(self, metrics: dict[str, Any], per_query: pl.DataFrame, negatives: Negatives) -> None:
        """Nothing to write."""

    def abandon(self, pruned: bool = False) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class Swept:
    """What a sweep found.

    Attributes:
        trials: a row for each.
        figures: the summary.
    """

    name: str
    folder: Path
    page: Path
    trials: pl.DataFrame
    figures: Mapping[str, Any]


class Csv:
    """Curves as CSV under the run's folder; nothing leaves the machine."""

    def start(self, folder: Path, name: str, config: dict[str, Any]) -> Any:
        """The Lightning logger of this run."""
        from pytorch_lightning.loggers import CSVLogger

        return CSVLogger(folder, name="", version="curves")

    def finish(self, metrics: dict[str, Any], per_query: pl.DataFrame, negatives: Negatives) -> None:
        """Nothing to do: ``metrics.json`` and ``per_query.parquet`` hold the rest."""

    def abandon(self, pruned: bool = False) -> None:
        """Nothing to close."""

    def swept(self, told: Swept) -> None:
        """Nothing to do: the sweep's folder holds it."""


class Wandb:
    """Weights & Biases: config, curves, final metrics, tables per query and slice, negatives, artifacts.

    Args:
        offline: keep the run under its own folder; ``wandb sync`` sends it later.
        artifacts: what the artifacts of domain, pairs and model hold, see ``HOLD`` there.
    """

    def __init__(self, project: str, entity: str | None = None, offline: bool = True, artifacts: str = METADATA):
        self.project, self.entity, self.offline = project, entity, offline
        self._artifacts = keeping(artifacts)

    def start(self, folder: Path, name: str, config: dict[str, Any]) -> Any:
        """The Lightning logger of this run."""
        self._folder = folder
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # crash reports would leave the machine, offline too
        from pytorch_lightning.loggers import WandbLogger

        mode = "offline" if self.offline else "online"
        self._logger = WandbLogger(
            name=name,
            group=config["run"].get("group"),
            save_dir=folder,
            project=self.project,
            entity=self.entity,
            config=config,
            mode=mode,
            offline=self.offline,
        )
        return self._logger

    def finish(self, metrics: dict[str, Any], per_query: pl.DataFrame, negatives: Negatives) -> None:
        """Final metrics as summary, the tables, the negatives' histograms, the reports on click logs, the artifacts,
        and an end to the run, so that trials never merge."""
        import wandb

        run = self._logger.experiment
        run.summary.update(
            {
                key: metrics[key]
                for key in ("dev", "test", "audit", "gain", "slices", "mixing", "synthetic", "negatives", "seconds")
                if key in metrics
            }
        )
        for name, table in tables(metrics, per_query, negatives).items():
            if table.height:
                run.log({name: wandb.Table(columns=table.columns, data=list(map(list, table.iter_rows())))})
        for name, histogram in negatives.histograms().items():
            run.log({f"negatives/{name}": wandb.Histogram(np_histogram=histogram)})
        for page in sorted(self._folder.glob("log_report*.html")):
            run.log({page.stem: wandb.Html(page.read_text(), inject=False)})
        for figures in metrics.get("logs", {}).values():
            run.summary.update(figures)
        self._artifacts(run, self._folder, metrics)
        run.finish()

    def abandon(self, pruned: bool = False) -> None:
        """End a run that failed or was pruned, so that the next one does not write into it."""
        import wandb

        if wandb.run is not None:
            wandb.run.summary["pruned"] = pruned
            if pruned:
                wandb.run.tags = (*(wandb.run.tags or ()), "pruned")
            wandb.run.finish(exit_code=0 if pruned else 1)

    def swept(self, told: Swept) -> None:
        """A run of its own in the group of the sweep's trials: the page, the trials, the figures of the best."""
        import wandb

        mode = "offline" if self.offline else "online"
        with wandb.init(
            project=self.project, entity=self.entity, name=told.name, group=told.name, job_type="sweep", mode=mode,
            dir=told.folder,
        ) as run:  # fmt: skip
            run.summary.update(dict(told.figures))
            trials = wandb.Table(columns=told.trials.columns, data=list(map(list, told.trials.iter_rows())))
            run.log({"trials": trials, "sweep": wandb.Html(told.page.read_text(), inject=False)})
