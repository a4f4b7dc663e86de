"""The bi-encoder under training."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytorch_lightning as lightning
import torch
from torch import Tensor, nn

from shoptalk.errors import InputError
from shoptalk.temperature import Temperature
from shoptalk.training.batches import Batch, Chunk


class BiEncoder(lightning.LightningModule):
    """Encodes a batch chunk by chunk and hands the vectors to the loss.

    Args:
        encoder: ``forward_chunks([(input_ids, attention_mask, prompt_length), …])`` -> vectors [b, d] per chunk.
        loss: over tensors, see ``shoptalk.losses``.
        steps: all optimizer steps of the run.
        warmup: share of the steps over which the learning rate rises from 0; then it falls linearly to 0.
        identity: what the batches are made of; a checkpoint of another identity is refused.
    """

    def __init__(
        self,
        encoder: nn.Module,
        loss: nn.Module,
        temperature: Temperature,
        *,
        learning_rate: float,
        weight_decay: float,
        warmup: float,
        steps: int,
        seed: int,
        identity: dict[str, str],
    ):
        super().__init__()
        self.encoder, self.loss, self.temperature = encoder, loss, temperature
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.warmup_steps, self.steps, self.seed, self.identity = max(1, round(warmup * steps)), steps, seed, identity

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make what is drawn in this step (dropout) a function of seed and step."""
        torch.manual_seed((self.seed << 32) + self.global_step)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch."""
        temperature = self.temperature(self.global_step / self.steps)
        with cast_once(self.device.type):
            queries, documents = self._encode(batch)
        loss = self.loss(queries, documents, batch.positive, batch.mask, batch.weight, temperature)
        if not torch.isfinite(loss):
            raise InputError(
                f"The loss is {loss.item()} at step {self.global_step} (pairs {batch.pairs[:5].tolist()}, …): "
                "lower trainer.learning_rate or raise the temperature."
            )
        self.log("train/loss", loss, prog_bar=True)
        self.log("train/temperature", temperature.detach())
        return loss

    def _encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Vectors of queries [n, d] and documents [m, d], in batch order."""
        parts = ((batch.queries, "query"), (batch.documents, "document"))
        prompts = {kind: self.encoder.prompt_length(kind) for _, kind in parts}
        inputs = [(c.input_ids, c.attention_mask, prompts[kind]) for chunks, kind in parts for c in chunks]
        vectors = self.encoder.forward_chunks(inputs)
        cut = len(batch.queries)
        return _in_order(vectors[:cut], batch.queries), _in_order(vectors[cut:], batch.documents)

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

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another run."""
        theirs = checkpoint.get("identity", {})
        differing = [name for name, value in self.identity.items() if theirs.get(name) != value]
        if differing:
            raise InputError(
                f"ckpt_path is a checkpoint of another run, whose {', '.join(differing)} differ: "
                "resume with the very options the run was started with."
            )


def _in_order(vectors: list[Tensor], chunks: list[Chunk]) -> Tensor:
    return torch.cat(vectors)[torch.argsort(torch.cat([chunk.rows for chunk in chunks]))]


def cast_once(device: str) -> AbstractContextManager:
    """Under autocast, cast each weight once per step and not once per chunk, as Lightning's own context does."""
    if not torch.is_autocast_enabled(device):
        return nullcontext()
    return torch.autocast(device, torch.get_autocast_dtype(device), cache_enabled=True)
