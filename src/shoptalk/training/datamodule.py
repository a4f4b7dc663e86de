"""Batches in step order, starting where the run stands."""

from collections.abc import Iterator

import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader, IterableDataset

from shoptalk.training.batches import Batch, Batches


class _Steps(IterableDataset):
    def __init__(self, batches: Batches, first: int):
        self.batches, self.first = batches, first

    def __iter__(self) -> Iterator[Batch]:
        return (self.batches[step] for step in range(self.first, len(self.batches)))


class PairsData(lightning.LightningDataModule):
    """The training stream. Its place is the trainer's global step, so a resumed run misses and repeats nothing."""

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def train_dataloader(self) -> DataLoader:
        """Batches from the current global step to the last."""
        return DataLoader(_Steps(self.batches, self.trainer.global_step), batch_size=None)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """The targets go to the device; token ids stay, for the encoder pads them group by group."""
        targets = {name: part.to(device) for name, part in batch.targets._asdict().items() if part is not None}
        return batch._replace(targets=batch.targets._replace(**targets))
