"""Watching dev while training, keeping the best weights, and stopping so that one can go on."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
from pytorch_lightning.callbacks import Checkpoint

from shoptalk.training.ranks import any_of

MONITOR = "dev_pool/ndcg@10"
BEST = "best.ckpt"
"""The weights alone: a run goes on from ``last.ckpt`` or ``step-*.ckpt``, which hold the optimizer too."""


class Interrupted(Exception):
    """Training was stopped by the user; ``args[0]`` is the checkpoint to go on from."""


class KeepBest(Checkpoint):
    """Looks at dev at even distances and keeps ``best.ckpt`` and ``last.ckpt``.

    Args:
        folder: where checkpoints go.
        steps: all optimizer steps of the run.
        looks: how often to look, the last time after the last step.
        watch: gives nDCG@10 over the dev pool for the weights as they stand; ``None`` without dev judgments,
            then the last weights are kept.
        say: told each look in a sentence.
        looked: told each look's place (1, 2, …) and score once the weights are kept; may end the run by an exception.
    """

    def __init__(
        self,
        folder: Path,
        steps: int,
        looks: int,
        watch: Callable[[], float] | None,
        say: Callable[[str], None] = str,
        looked: Callable[[int, float], None] | None = None,
    ):
        self.looked = looked
        self.folder, self.steps, self.watch, self.say = folder, steps, watch, say
        self.at = {round(steps * k / looks) for k in range(1, looks + 1)}
        self.best_score, self.best_path = float("-inf"), ""
        self.curve: dict[str, float] = {}
        self.seconds = 0.0
        self._stop, self._previous = False, None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Let Ctrl-C end the step under way before the run stops."""
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._ask_to_stop)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Give Ctrl-C back."""
        self._restore()

    def on_exception(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: Any) -> None:
        """Give Ctrl-C back."""
        self._restore()

    def _restore(self) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _ask_to_stop(self, number: int, frame: Any) -> None:
        if self._stop:
            raise KeyboardInterrupt
        self._stop = True

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        """Look, keep, stop."""
        step = trainer.global_step
        if step in self.at:
            self._look(trainer, pl_module, step)
        if any_of(self._stop):
            path = self._save(trainer, f"step-{step}.ckpt")
            raise Interrupted(path)

    def _look(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, step: int) -> None:
        started = time.perf_counter()
        if self.watch is not None:
            score = self.watch()
            self.curve[str(step)] = score
            pl_module.log(MONITOR, score, prog_bar=True)
            self.say(f"step {step} of {self.steps}: nDCG@10 {score:.3f} on the dev pool")
        else:
            score = float(step)
        if score > self.best_score:
            self.best_score, self.best_path = score, str(self.folder / BEST)
            self._save(trainer, BEST, weights_only=True)
        self._save(trainer, "last.ckpt")
        self.seconds += time.perf_counter() - started
        if self.looked is not None and self.watch is not None:
            self.looked(1 + sorted(self.at).index(step), score)

    def _save(self, trainer: lightning.Trainer, name: str, weights_only: bool = False) -> str:
        path = self.folder / name
        trainer.save_checkpoint(path.with_suffix(".part"), weights_only)
        if trainer.is_global_zero:
            os.replace(path.with_suffix(".part"), path)
        trainer.strategy.barrier()
        return str(path)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must know."""
        return {"best_score": self.best_score, "best_path": self.best_path, "curve": dict(self.curve)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best_score, self.best_path = state_dict["best_score"], state_dict["best_path"]
        self.curve = dict(state_dict["curve"])
