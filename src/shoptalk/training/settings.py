"""The budget of a run and the Lightning trainer that spends it."""

import logging
import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback, RichProgressBar

from shoptalk.errors import InputError
from shoptalk.models.adapters import add_lora, checkpoint_layers
from shoptalk.models.precision import preferred_precision
from shoptalk.training.ranks import world

_POSITIVE = ("batch_size", "pairs", "looks", "gradient_clip")
_OR_AUTO = ("learning_rate", "chunk_tokens")
_UNWATCHED = 0.25  # of the way to the trained weights, where no dev query can tell whether more helps


def _alone(processes: int) -> None:
    if processes > 1:
        raise InputError(
            f"train.py was started {processes} times together: choose trainer=ddp to train on all of them."
        )


def _together(processes: int) -> None:
    if processes == 1:
        raise InputError("trainer=ddp is started once per device: torchrun --nproc-per-node=2 train.py trainer=ddp …")


STRATEGIES = {"single": _alone, "ddp": _together}
"""Ways to use devices, each with its check on the number of processes started together."""


@dataclass(frozen=True)
class Settings:
    """What ``conf/trainer`` holds.

    Attributes:
        pairs: draws from the mixture, repeats counted; steps are ``pairs / batch_size``.
        learning_rate: the highest of the schedule; ``auto``: the encoder's own ``learning_rate``.
        warmup: share of the steps, in [0, 1].
        looks: how often dev is watched.
        watch_depth: how many of the best documents of BM25 and of the base model for each dev query it is watched over,
            beside the judged ones.
        watch_random: how many others, chosen by the hash of their id.
        chunk_tokens: padded tokens encoded together, see ``training.encoding``; ``auto``: what is fastest and fits.
        strategy: ``single`` for one device, ``ddp`` for as many as torchrun or SLURM started processes; every batch is
            then shared out, and the gradient is that of one device.
        precision: ``auto`` takes ``bf16-mixed`` where the processor has it, over fp32 master weights.
        documents: size of the sub-corpus for trying things; ``None`` for the whole corpus.
        gradient_cache: keep only vectors of a batch and encode it again in the backward pass, see
            ``training.encoding``; ``auto`` where the activations of a batch would fill half of the free memory.
        one_source: batches of one source each.
        lora: ``rank``, ``alpha`` and ``dropout`` of low-rank adapters; rank 0 trains all weights.
        gradient_checkpointing: compute each layer again in the backward pass.
        interpolate: how far from the base model's weights to the trained ones the kept weights lie, in (0, 1];
            ``dev``: whichever of a few points is best on dev; ``auto``: see ``share``.
    """

    batch_size: int
    pairs: int
    learning_rate: float | str
    weight_decay: float
    warmup: float
    gradient_clip: float
    looks: int
    chunk_tokens: int | str
    accelerator: str = "auto"
    strategy: str = "single"
    precision: str = "auto"
    watch_depth: int = 50
    watch_random: int = 1000
    documents: int | None = None
    gradient_cache: bool | str = "auto"
    one_source: bool = False
    lora: Mapping[str, float] = field(default_factory=lambda: {"rank": 0, "alpha": 32, "dropout": 0.0})
    gradient_checkpointing: bool = False
    interpolate: float | str = "auto"

    def __post_init__(self):
        if self.gradient_cache not in (True, False, "auto"):
            raise InputError(f"trainer.gradient_cache={self.gradient_cache} must be auto, true or false.")
        for name in (*_POSITIVE, *(name for name in _OR_AUTO if getattr(self, name) != "auto")):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
                raise InputError(f"trainer.{name}={value} must be a number above 0.")
        for name in ("watch_depth", "watch_random"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError(f"trainer.{name}={value} is not possible; give a whole number of 0 or more.")
        if not 0 <= self.warmup <= 1:
            raise InputError(f"trainer.warmup={self.warmup} is a share of the steps: give a number in [0, 1].")
        if self.interpolate not in ("auto", "dev") and not _is_share(self.interpolate):
            raise InputError(
                f"trainer.interpolate={self.interpolate} must be auto, dev or a number above 0, at most 1."
            )
        if self.strategy not in STRATEGIES:
            raise InputError(f"trainer.strategy={self.strategy} is none of {', '.join(STRATEGIES)}.")
        STRATEGIES[self.strategy](world()[1])
        if self.accelerator == "gpu" and not torch.cuda.is_available():
            raise InputError("trainer=gpu needs a CUDA device and none is visible: take trainer=auto or trainer=cpu.")

    def resolved_precision(self) -> str:
        """The precision asked for, or what the processor computes fast."""
        if self.precision != "auto":
            return self.precision
        kind = "cpu" if self.accelerator == "cpu" else None
        return "bf16-mixed" if preferred_precision(kind) == "bf16" else "32-true"

    def rate(self, encoder: Any) -> float:
        """The learning rate asked for, or what suits ``encoder``."""
        return encoder.learning_rate if self.learning_rate == "auto" else self.learning_rate

    def share(self, watched: bool) -> float | None:
        """How far from base to trained the kept weights lie, ``None`` where dev says; ``watched``: there is a dev.

        Where nothing can tell whether training helps, ``auto`` goes a quarter of the way: averages of weights before
        and after fine-tuning keep more of what the base model could (WiSE-FT, Wortsman et al. 2022; for embedding
        models LM-Cocktail, Xiao et al. 2023). On dev of the embedded domain a quarter keeps nine tenths of the best
        gain that written queries bring.

        Raises:
            InputError: dev is to say, and there is none.
        """
        if self.interpolate == "dev" and not watched:
            raise InputError("trainer.interpolate=dev measures on dev, and this domain has no dev split; take auto.")
        ways = {"dev": None, "auto": 1.0 if watched else _UNWATCHED}
        return ways.get(self.interpolate, self.interpolate)

    def adapt(self, encoder: Any, seed: int) -> None:
        """Make ``encoder`` train as asked: with adapters, or with layers computed twice."""
        if self.gradient_checkpointing:
            checkpoint_layers(encoder)
        if self.lora["rank"]:
            add_lora(encoder, **self.lora, seed=seed)

    def device(self) -> torch.device:
        """Where models work outside of Lightning's hands, too."""
        cuda = self.accelerator != "cpu" and torch.cuda.is_available()
        return torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")

    def trainer(self, folder: Path, steps: int, callbacks: list[Callback], logger: Any, bar: bool) -> lightning.Trainer:
        """A Lightning trainer for exactly ``steps`` optimizer steps."""
        _quieten()
        if bar:
            callbacks = [*callbacks, RichProgressBar(leave=True)]
        return lightning.Trainer(
            default_root_dir=folder,
            accelerator=self.accelerator,
            **_processes(),
            precision=self.resolved_precision(),
            max_steps=steps,
            max_epochs=1,
            gradient_clip_val=self.gradient_clip,
            callbacks=callbacks,
            logger=logger,
            log_every_n_steps=min(5, steps),
            enable_checkpointing=True,
            enable_progress_bar=bar,
            enable_model_summary=False,
        )


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


def _processes() -> dict[str, Any]:
    """Lightning's words for one device, or for all processes started together."""
    ranks = world()[1]
    if ranks == 1:
        return {"devices": 1}
    here = int(os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("SLURM_NTASKS_PER_NODE") or ranks)
    return {"devices": here, "num_nodes": ranks // here, "strategy": "ddp"}


def _quieten() -> None:
    """Lightning's advice that does not apply: one worker is enough, batches carry their own sizes."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for text in (
        ".*does not have many workers.*",
        ".*infer the.*batch_size.*",
        ".*isinstance.treespec.*",
        ".*tensorboardX.*",
    ):
        warnings.filterwarnings("ignore", text)
