"""The bi-encoder under training."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import pytorch_lightning as lightning
import torch
from torch import Tensor

from shoptalk.errors import InputError
from shoptalk.losses import Loss
from shoptalk.temperature import Temperature
from shoptalk.training.batches import Batch
from shoptalk.training.encoding import Encoding
from shoptalk.training.ranks import world

T = TypeVar("T")
_CPU_IS_FULL = "DefaultCPUAllocator: can't allocate memory"


class BiEncoder(lightning.LightningModule):
    """Encodes a batch and hands the vectors to the loss.

    Args:
        encoding: how the encoder is used; its encoder is what trains.
        loss: over tensors, see ``shoptalk.losses``.
        steps: all optimizer steps of the run.
        warmup: share of the steps over which the learning rate rises from 0; then it falls linearly to 0.
        identity: what the batches are made of; a checkpoint of another identity is refused.
    """

    def __init__(
        self,
        encoding: Encoding,
        loss: Loss,
        temperature: Temperature,
        *,
        learning_rate: float,
        weight_decay: float,
        warmup: float,
        steps: int,
        identity: dict[str, str],
    ):
        super().__init__()
        self.encoder, self.encoding, self.loss, self.temperature = encoding.encoder, encoding, loss, temperature
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.warmup_steps, self.steps, self.identity = max(1, round(warmup * steps)), steps, identity

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch."""
        self._batch = batch
        loss = self._sparing_memory(lambda: self._loss(batch))
        if not torch.isfinite(loss):
            raise InputError(
                f"The loss is {loss.item()} at step {self.global_step} (rows {batch.pairs[:5].tolist()}, … of "
                "pairs.parquet): lower trainer.learning_rate or raise the temperature."
            )
        self.log("train/loss", loss, prog_bar=True)
        self.log("train/temperature", self._temperature().detach())
        return loss

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """The gradients; where memory runs out, those of the same batch in smaller chunks."""
        values = iter([loss])

        def again() -> None:
            self.zero_grad(set_to_none=True)
            value = next(values, None)
            if value is None:
                loss.detach_()  # whoever holds the failed loss must not hold its activations
                with self._in_precision():
                    value = self._loss(self._batch)
            super(BiEncoder, self).backward(value, *args, **kwargs)

        self._sparing_memory(again)

    def _in_precision(self) -> AbstractContextManager:
        return self.trainer.precision_plugin.forward_context() if self._trainer else nullcontext()

    def _loss(self, batch: Batch) -> Tensor:
        with cast_once(self.device.type):
            queries, documents = self.encoding(batch.queries, batch.documents, self.global_step)
        return self.loss(queries, documents, batch.targets, self._temperature())

    def _temperature(self) -> Tensor:
        return self.temperature(self.global_step / self.steps)

    def _sparing_memory(self, act: Callable[[], T]) -> T:
        """``act()``, again in half the memory each time there is not enough of it."""
        while True:
            try:
                return act()
            except (torch.OutOfMemoryError, RuntimeError) as error:
                # On a CPU the allocator gives a plain RuntimeError. Other ranks would wait for this one for ever.
                if not (isinstance(error, torch.OutOfMemoryError) or _CPU_IS_FULL in str(error)) or world()[1] > 1:
                    raise
            # Outside the handler, whose traceback holds the tensors that filled the memory.
            self.encoding.halve(self.global_step)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW on fp32 master weights, linear warm-up and decay by step."""
        no_decay = [p for p in self.parameters() if p.requires_grad and p.ndim < 2]
        decay = [p for p in self.parameters() if p.requires_grad and p.ndim >= 2]
        groups = [{"params": decay, "weight_decay": self.weight_decay}, {"params": no_decay, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.learning_rate, fused=True)
        # bf16 needs no gradient scaler, so clipping before a fused step is safe; Lightning goes by this flag alone.
        optimizer._step_supports_amp_scaling = False
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        return max(0.0, (self.steps - step) / max(1, self.steps - self.warmup_steps))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Stamp the checkpoint with what its run was made of."""
        checkpoint["identity"] = self.identity
        checkpoint["encoding"] = self.encoding.told()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another run, and go on with its chunk plan."""
        theirs = checkpoint.get("identity", {})
        differing = [
            f"{name} is {theirs.get(name, 'not set')} there and {self.identity.get(name, 'not set')} here"
            for name in dict.fromkeys([*self.identity, *theirs])
            if theirs.get(name) != self.identity.get(name)
        ]
        if differing:
            raise InputError(
                f"ckpt_path is a checkpoint of another run: {'; '.join(differing)}. "
                "Resume with the very options the run was started with."
            )
        self.encoding.resume(checkpoint["encoding"])


def cast_once(device: str) -> AbstractContextManager:
    """Under autocast, cast each weight once per step and not once per chunk, as Lightning's own context does."""
    if not torch.is_autocast_enabled(device):
        return nullcontext()
    return torch.autocast(device, torch.get_autocast_dtype(device), cache_enabled=True)
