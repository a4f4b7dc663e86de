"""Training a cross-encoder on the examples of a fold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from shoptalk.negatives.crossfit import Examples
from shoptalk.negatives.teacher_losses import TeacherLoss

Tell = Callable[[int, int], None]
"""``tell(done, of)``."""


@dataclass(frozen=True)
class Recipe:
    """How a teacher is trained: AdamW, warm-up and linear decay.

    The head is new and small, so it takes a higher learning rate than the transformer below it. Embedding
    tables stay as they are: a few hundred steps hardly move them, and their dense gradients would cost more
    than all the layers.
    """

    epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 1e-4
    head_learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    gradient_clip: float = 1.0
    chunk_tokens: int = 2048


def train(
    model, data: Examples, passages: Sequence[str], recipe: Recipe, loss: TeacherLoss, seed: int, tell: Tell
) -> None:
    """Fit ``model`` (a ``CrossEncoder``) in place.

    A step takes ``recipe.batch_size`` pairs with their negatives, encoded in parts of similar length; its
    loss is Σ wℓ / Σ w over the step. bf16 autocast where the hardware has it, over float32 weights.
    """
    import torch

    from shoptalk.models.precision import dtype_of

    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            module.requires_grad_(False)
    ids = model.tokenize(data.queries, [passages[row] for row in data.rows])
    steps = [rows for epoch in range(recipe.epochs) for rows in _steps(data.pairs, recipe.batch_size, seed, epoch)]
    device = next(model.parameters()).device
    dtype = dtype_of("auto", device)
    optimizer = torch.optim.AdamW(_groups(model, recipe), weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _shape(len(steps), recipe.warmup))
    model.train()
    for done, rows in enumerate(steps, start=1):
        with torch.autocast(device.type, dtype, enabled=dtype is torch.bfloat16):
            backward(model, data, ids, rows, loss, recipe.chunk_tokens)
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        tell(done, len(steps))
    model.eval()


def backward(model, data: Examples, ids, rows: np.ndarray, loss: TeacherLoss, budget: int) -> None:
    """Add the gradients of the loss over the examples ``rows``, whatever parts they are encoded in.

    Args:
        ids: tokens of all examples.
        budget: tokens of a part, padding included.
    """
    import torch

    device = next(model.parameters()).device

    def columns(chosen: np.ndarray, *which: np.ndarray) -> list:
        return [torch.from_numpy(column[chosen]).to(device) for column in which]

    mass = loss.mass(*columns(rows, data.labels, data.weights))
    for chosen in _parts(data, ids.lengths, rows, loss.whole_pairs, budget):
        logits = model(*(tensor.to(device) for tensor in model.pad(ids.take(chosen))))
        (loss(logits.float(), *columns(chosen, data.labels, data.weights, data.pairs)) / mass).backward()


def _parts(data: Examples, lengths: np.ndarray, rows: np.ndarray, whole_pairs: bool, budget: int) -> list[np.ndarray]:
    """``rows`` in parts of similar length; a pair counts with its longest example where it must stay whole."""
    from shoptalk.models.tokens import chunks

    if not whole_pairs:
        return [rows[part] for part in chunks(lengths[rows], budget)]
    starts = np.flatnonzero(np.diff(data.pairs[rows], prepend=-1))
    pairs = np.split(rows, starts[1:])
    longest = np.maximum.reduceat(lengths[rows], starts)
    return [np.concatenate([pairs[p] for p in part]) for part in chunks(longest, budget // max(map(len, pairs)))]


def _steps(pairs: np.ndarray, size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Rows of each step: ``size`` whole pairs, in an order drawn by (seed, epoch)."""
    numbers = np.unique(pairs)
    order = np.random.default_rng([0x7EAC, seed, epoch]).permutation(numbers)
    first = np.searchsorted(pairs, numbers)
    rows = dict(zip(numbers, np.split(np.arange(len(pairs)), first[1:]), strict=True))
    return [np.concatenate([rows[n] for n in order[at : at + size]]) for at in range(0, len(order), size)]


def _groups(model, recipe: Recipe) -> list[dict]:
    """Parameters that train: the new head apart from the transformer it stands on."""
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    head = [weight for name, weight in named if ".head." in f".{name}"]
    body = [weight for name, weight in named if ".head." not in f".{name}"]
    return [{"params": body, "lr": recipe.learning_rate}, {"params": head, "lr": recipe.head_learning_rate}]


def _shape(steps: int, warmup: float) -> Callable[[int], float]:
    rise = max(1, round(steps * warmup))
    return lambda step: min((step + 1) / rise, max(0.0, (steps - step) / max(1, steps - rise)))
