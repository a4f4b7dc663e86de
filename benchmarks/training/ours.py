"""Our side: ``shoptalk.fitting.fit`` itself, with a clock among its callbacks."""

import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytorch_lightning as lightning
from common import Trained, peak
from data import Drawn, config
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback
from rich.console import Console

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.fitting import fit
from shoptalk.models.ragged import Ragged
from shoptalk.preparing import examples
from shoptalk.reporting.tracking import Csv
from shoptalk.sources.pairs import SCHEMA
from shoptalk.training.batches import Examples
from shoptalk.training.settings import Settings


class Clock(Callback):
    """When training began and each step ended, each step's loss and the peak of memory so far (bytes).

    Reading the loss waits for what a GPU has still to do.
    """

    def __init__(self):
        self.ends, self.losses, self.peaks = [], [], []

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.peaks.append(peak())
        self.ends.append(time.perf_counter())

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
        self.ends.append(time.perf_counter())
        self.losses.append(float(outputs["loss"]))
        self.peaks.append(peak())


class Timed(Settings):
    """The trainer's settings, whose trainers carry a clock."""

    def trainer(self, folder: Path, steps: int, callbacks: list[Callback], logger: Any, bar: bool) -> lightning.Trainer:
        """A trainer whose clock reads a step's end before the run keeps its weights."""
        object.__setattr__(self, "clock", Clock())
        return super().trainer(folder, steps, [self.clock, *callbacks], logger, bar)


def prepared(drawn: Drawn, encoder: Any) -> tuple[Examples, float]:
    """What ``fit`` trains on, in the order drawn, and the seconds of tokenising all of it."""
    passages = list(dict.fromkeys([*drawn.documents, *(text for row in drawn.negatives for text in row)]))
    ids = {passage: str(row) for row, passage in enumerate(passages)}
    columns = {"query": list(drawn.queries), "doc_id": [ids[text] for text in drawn.documents]}
    pairs = pl.DataFrame(columns).with_columns(
        weight=pl.lit(1.0), source=pl.lit("drawn"), query_kind=None, query_form=None, teacher_score=None
    )
    negatives = [[ids[text] for text in row] for row in drawn.negatives]
    mined = pairs.select("query", "doc_id").with_columns(negatives=pl.Series(negatives, dtype=pl.List(pl.String)))
    took = 0.0

    def tokens(texts: Sequence[str], kind: str) -> Ragged:
        nonlocal took
        began = time.perf_counter()
        found = encoder.tokenize(texts, kind)
        took += time.perf_counter() - began
        return found

    made = examples(
        pairs.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()),
        mined,
        np.arange(len(drawn)),
        Corpus(list(ids.values()), passages, [""] * len(passages)),
        Known(pairs.select("query", "doc_id").iter_rows()),
        tokens,
    )
    return made, took


def train(drawn: Drawn, size: int, folder: Path, *overrides: str) -> Trained:
    """Train the default model on ``drawn`` as ``train.py`` does, ``size`` pairs a step, ``overrides`` its options.

    Dev is not watched: weights are kept once, after the last step, when the clock has stopped.
    """
    cfg = config(
        f"trainer.pairs={len(drawn)}", f"trainer.batch_size={size}", "trainer.looks=1", f"run.dir={folder}", *overrides
    )
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    options = OmegaConf.to_container(cfg.trainer, resolve=True)
    settings = Timed(**{name: value for name, value in options.items() if name != "_target_"})
    run = SimpleNamespace(
        settings=settings,
        device=settings.device(),
        folder=folder,
        console=Console(quiet=True),
        logger=Csv().start(folder, "benchmark", {}),
    )
    data, tokenising = prepared(drawn, instantiate(cfg.model))
    fitted = fit(cfg, run, instantiate(cfg.loss), data, drawn.per_pair, None)
    told, clock = {**fitted.encoding, "precision": settings.resolved_precision()}, settings.clock
    return Trained(clock.ends, clock.losses, size, tokenising, fitted.encoder, clock.peaks, told)
