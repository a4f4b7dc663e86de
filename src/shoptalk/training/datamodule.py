"""Batches in step order, starting where the run stands."""

from collections.abc import Iterator
from typing import Any

import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader, IterableDataset

from shoptalk.training.batches import Batch, Batches
from shoptalk.training.refreshing import Refreshing


class _Steps(IterableDataset):
    def __init__(self, first: int, stop: int):
        self.first, self.stop = first, stop

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.stop))


class PairsData(lightning.LightningDataModule):
    """The training stream. Its place is the trainer's global step, so a resumed run misses and repeats nothing.

    The loader gives numbers of steps alone, because Lightning fetches one ahead: a batch is made when its step begins,
    with the weights and negatives then in force.

    Args:
        refreshing: mines negatives anew before some steps; ``None`` keeps the first.
    """

    def __init__(self, batches: Batches, refreshing: Refreshing | None = None):
        super().__init__()
        self.batches, self.refreshing = batches, refreshing

    def train_dataloader(self) -> DataLoader:
        """Steps from the current global step to the last."""
        return DataLoader(_Steps(self.trainer.global_step, len(self.batches)), batch_size=None)

    def transfer_batch_to_device(self, batch: int, device: torch.device, dataloader_idx: int) -> Batch:
        """The batch of a step, its targets on the device; token ids stay, for the encoder pads them group by group."""
        if self.refreshing is not None:
            self.refreshing.before(batch)
        return self._made(batch, device)

    def _made(self, step: int, device: torch.device) -> Batch:
        batch = self.batches[step]
        targets = {name: part.to(device) for name, part in batch.targets._asdict().items() if part is not None}
        return batch._replace(targets=batch.targets._replace(**targets))

    def state_dict(self) -> dict[str, Any]:
        """The negatives in force, where they change."""
        return {} if self.refreshing is None else self.refreshing.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with them."""
        if self.refreshing is not None:
            self.refreshing.load_state_dict(state_dict)
