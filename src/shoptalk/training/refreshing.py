"""Negatives mined anew while training goes on, with the weights as they stand (ANCE, Xiong et al. 2021, section 4)."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch

from shoptalk.training.batches import Batches


class Remine(Protocol):
    """Mines negatives again."""

    def every(self, pairs: int, size: int, whole: int) -> int:
        """Steps from one refresh to the next, where a run draws ``pairs`` different pairs, ``size`` a step, and has
        ``whole`` steps."""
        ...

    def __call__(self, encoder: Any, pairs: np.ndarray) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray] | None]:
        """Corpus rows of the negatives of each of ``pairs`` int64 [k], found with ``encoder`` as it stands, and the
        teacher's logits of its positive and of each of them; ``None`` where no teacher is asked for.
        """
        ...


@dataclass
class Refreshing:
    """Replaces the negatives of all pairs still to come, before every ``every``-th step.

    As it acts before a step and checkpoints are written after one, a run resumed at a step that is due repeats the
    refresh with the very weights, and any other goes on with the negatives in force, which the checkpoint holds.

    Attributes:
        batches: whose examples get the new negatives; their lists are changed in place.
        encoder: with the weights in training.
        remine: gives the new negatives.
        told: of each refresh its step, the pairs mined for, the share of their negatives that they did not have before,
            and its seconds.
        say: told each refresh in a sentence.
        log: given what a refresh changed and took, and its step.
    """

    batches: Batches
    encoder: Any
    remine: Remine
    say: Callable[[str], None] = str
    log: Callable[[dict[str, float], int], None] = lambda values, step: None
    told: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def every(self) -> int:
        """Steps from one refresh to the next."""
        whole = len(self.batches)
        every = self.remine.every(len(np.unique(self.batches.examples.order)), self.batches.size, whole)
        if every >= whole:
            self.say(f"Nothing is mined anew: the run ends after {whole} steps, and negatives.every is {every}.")
        return every

    def before(self, step: int) -> None:
        """Mine anew where that is due before ``step``."""
        if step == 0 or step % self.every:
            return
        started = time.perf_counter()
        examples = self.batches.examples
        pairs = np.unique(examples.order[np.concatenate(self.batches.places[step:])])
        training = self.encoder.training
        self.encoder.eval()
        negatives, teacher = self.remine(self.encoder, pairs)
        self.encoder.train(training)
        new = sum(len(np.setdiff1d(rows, examples.negatives[p])) for p, rows in zip(pairs, negatives, strict=True))
        changed = new / max(1, sum(map(len, negatives)))
        _replace(examples.negatives, pairs, negatives)
        if teacher is not None:
            _replace(examples.teacher, pairs, teacher)
        seconds = time.perf_counter() - started
        self.told.append({"step": step, "pairs": len(pairs), "changed": changed, "seconds": seconds})
        self.log({"negatives/changed": changed, "negatives/refresh_seconds": seconds}, step)
        self.say(
            f"before step {step + 1}: negatives of {len(pairs):,} pairs mined anew, {changed:.0%} of them changed "
            f"({seconds:.0f} s)"
        )

    def state_dict(self) -> dict[str, Any]:
        """What was told, and the negatives in force where they are no longer the first."""
        examples = self.batches.examples
        state: dict[str, Any] = {"told": [dict(line) for line in self.told]}
        if self.told:
            state["negatives"] = _packed(examples.negatives)
            state["teacher"] = None if examples.teacher is None else _packed(examples.teacher)
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.told = [dict(line) for line in state["told"]]
        if self.told:
            examples = self.batches.examples
            every = np.arange(len(examples.positives))
            _replace(examples.negatives, every, _unpacked(state["negatives"]))
            if state["teacher"] is not None:
                _replace(examples.teacher, every, _unpacked(state["teacher"]))


def _replace(lines: list[np.ndarray], places: np.ndarray, new: Sequence[np.ndarray]) -> None:
    for place, line in zip(places.tolist(), new, strict=True):
        lines[place] = line


def _packed(lines: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
    """Arrays of different lengths as two tensors, which a checkpoint may hold."""
    values = torch.from_numpy(np.concatenate(lines))
    return {"values": values, "lengths": torch.tensor([len(line) for line in lines])}


def _unpacked(state: dict[str, torch.Tensor]) -> list[np.ndarray]:
    return [part.numpy() for part in state["values"].split(state["lengths"].tolist())]
