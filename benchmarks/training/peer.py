"""The other side: sentence-transformers' own trainer with its MultipleNegativesRankingLoss."""

import time
from pathlib import Path
from typing import Any

import torch
from common import MODEL, Trained
from data import Drawn, config
from hydra.utils import instantiate
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.util import is_training_available
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, TrainerCallback

from shoptalk.errors import InputError
from shoptalk.models.loading import quiet, resolve
from shoptalk.training.settings import Settings

NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


class Heard(MultipleNegativesRankingLoss):
    """The loss, which remembers what it gave."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.values: list[torch.Tensor] = []

    def forward(self, *args: Any, **options: Any) -> torch.Tensor:
        value = super().forward(*args, **options)
        self.values.append(value.detach())
        return value


class Clock(TrainerCallback):
    """When training began and each step ended."""

    def __init__(self):
        self.ends: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())


class Warmed(SentenceTransformerTrainer):
    """The trainer with our schedule, whose first step already moves the weights."""

    warmup_steps = 0

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        rate = schedule(num_training_steps, self.warmup_steps)
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer, rate)
        return self.lr_scheduler


def schedule(steps: int, warmup_steps: int) -> Any:
    """Step to the share of the learning rate: up to 1 within ``warmup_steps``, then linearly down to 0."""

    def rate(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return max(0.0, (steps - step) / max(1, steps - warmup_steps))

    return rate


def in_order(dataset: Any, **options: Any) -> DefaultBatchSampler:
    """Batches in the order of the rows."""
    return DefaultBatchSampler(SequentialSampler(dataset), **options)


def trainer(
    drawn: Drawn, size: int, folder: Path, bf16: bool, settings: Settings | None, model: str = MODEL, gpu: bool = False
) -> SentenceTransformerTrainer:
    """A trainer for one pass over ``drawn``.

    Args:
        settings: ours, to do the very same work; ``None`` leaves all but the batch size at the tool's defaults.
    """
    if not is_training_available():
        raise InputError(
            "sentence-transformers trains with its extra alone: pip install 'sentence-transformers[train]'."
        )
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()

    equal = settings is not None
    options = {} if settings is None else _same(settings, model)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=size,
        max_steps=len(drawn) // size,
        use_cpu=not gpu,
        bf16=bf16,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **options,
    )
    with quiet():
        device, plain = "cuda" if gpu else "cpu", NO_DROPOUT if equal else None
        network = SentenceTransformer(str(resolve(model)), device=device, config_kwargs=plain)
    kind = Warmed if equal else SentenceTransformerTrainer
    made = kind(model=network, args=arguments, train_dataset=Dataset.from_dict(drawn.columns()), loss=Heard(network))
    made.remove_callback(PrinterCallback)
    if settings is not None:
        made.warmup_steps = max(1, round(settings.warmup * arguments.max_steps))
    return made


def _same(settings: Settings, model: str) -> dict[str, Any]:
    return {
        "learning_rate": settings.rate(instantiate(config(f"model.name={model}").model)),
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.gradient_clip,
        "optim": "adamw_torch_fused",
        "batch_sampler": in_order,
    }


def train(
    drawn: Drawn,
    size: int,
    folder: Path,
    *,
    bf16: bool = False,
    settings: Settings | None = None,
    model: str = MODEL,
    gpu: bool = False,
) -> Trained:
    """One pass over ``drawn``; tokenising is part of its steps."""
    made, clock = trainer(drawn, size, folder, bf16, settings, model, gpu), Clock()
    made.add_callback(clock)
    made.train()
    return Trained(clock.ends, [float(value) for value in made.loss.values], size, model=made.model)
