"""The frame around one run: its folder, cache, threads, stages and tracking."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from shoptalk.cache import Cache
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.errors import ERROR_FILE, InputError, unset
from shoptalk.reporting.negatives import Negatives
from shoptalk.reporting.progress import Stages
from shoptalk.reporting.tracking import Silent
from shoptalk.studies.pruning import PRUNED_FILE, Pruned, Watched
from shoptalk.system import set_threads
from shoptalk.training.ranks import any_of, world
from shoptalk.training.settings import Settings

STAGES = ("domain", "sources", "negatives", "fit", "evaluate")

LEFT = ("metrics.json", ERROR_FILE, PRUNED_FILE)
"""Files by which others see how a run ended."""


class Run:
    """Opened at the start of ``train`` and closed, also after a failure, at its end.

    Attributes:
        folder: where everything the run leaves lies.
        settings: the trainer's, with precision resolved.
        threads: of torch, faiss, BM25 and DuckDB, resolved once and stored in ``config.yaml``.
        main: whether this process is the one that talks and writes; others of a distributed run only work.
        device: where models work.

    Raises:
        InputError: an option that has no default is not set, or one of the trainer's cannot be.
    """

    def __init__(self, cfg: DictConfig, console: Console):
        if missing := sorted(OmegaConf.missing_keys(cfg)):
            raise InputError(unset(missing[0]))
        self.main = world()[0] == 0
        self.cfg, self.console = cfg, console if self.main else Console(quiet=True)
        self.threads = set_threads(cfg.threads)
        self.settings: Settings = instantiate(cfg.trainer)
        self.folder = Path(cfg.run.dir)
        self.device = self.settings.device()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cache = Cache(cfg.cache.root, cfg.cache.max_bytes)
        self.stages = Stages(STAGES, self.console)
        self.tracker = instantiate(cfg.logger) if self.main else Silent()
        self._trial = Watched(cfg.run.trial) if cfg.run.trial and self.main else None
        if self.main:
            # What other options left there must not pass for this run's, should it fail.
            for name in LEFT:
                (self.folder / name).unlink(missing_ok=True)
            self._store_config()

    def __enter__(self) -> "Run":
        self.logger = self.tracker.start(self.folder, self.cfg.run.name, OmegaConf.to_container(self.cfg, resolve=True))
        return self

    def __exit__(self, kind: type | None, *_: Any) -> None:
        if kind is not None:
            self.tracker.abandon(pruned=issubclass(kind, Pruned))

    def stage(self, name: str, title: str) -> AbstractContextManager[None]:
        """One stage of the way, announced and timed."""
        return self.stages.stage(name, title)

    def splits(self, domain: Domain) -> dict[str, Judged]:
        """The splits this run may read: ``test`` only alone or at a sweep's end, ``audit`` only where asked."""
        last = self.cfg.run.single or self.cfg.run.closing
        wanted = ["dev", *(["test"] if last else []), *(["audit"] if self.cfg.evaluation.audit else [])]
        return {name: domain.splits[name] for name in wanted if name in domain.splits}

    def looked(self, place: int, score: float) -> None:
        """Report a look at dev to the sweep this run is a trial of.

        Raises:
            Pruned: the trial is not worth going on with.
        """
        stop = self._trial is not None and self._trial.look(place, score)
        if self.cfg.run.trial and any_of(stop):
            raise Pruned(place, score)

    def write(self, name: str, table: pl.DataFrame) -> None:
        """``name.parquet`` in the run's folder."""
        if not self.main:
            return
        path = self.folder / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        table.write_parquet(path)

    def close(self, metrics: dict[str, Any], per_query: pl.DataFrame, negatives: Negatives) -> None:
        """Write what was measured and end tracking."""
        (self.folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
        self.write("per_query", per_query)
        self.tracker.finish(metrics, per_query, negatives)

    def _store_config(self) -> None:
        resolved = OmegaConf.to_container(self.cfg, resolve=True)
        resolved["threads"] = self.threads
        resolved["trainer"]["precision"] = self.settings.resolved_precision()
        OmegaConf.save(OmegaConf.create(resolved), self.folder / "config.yaml")
