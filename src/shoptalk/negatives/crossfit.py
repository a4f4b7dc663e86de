"""Training a cross-encoder that can be trusted with the candidates of its own training queries.

A teacher that learned "this query, this document: no" repeats it, right or wrong. So queries are dealt
into folds, the teacher of a fold learns from the other folds only, and its negatives are drawn at random
and from deep ranks, where documents that answer the query are rare.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.cache import digest, digest_texts
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.domain.text import normalise
from shoptalk.negatives.barred import Barred, fill
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.mined import Search
from shoptalk.negatives.picks import Uniform
from shoptalk.negatives.selection import Candidates, Knobs, allowed, pick

Tell = Callable[[int, int], None]
"""``tell(done, of)``."""


def fold_of(queries: Sequence[str], folds: int) -> np.ndarray:
    """Int64 [n]: the fold of each query, by its normalised text, so that twins share one."""
    raw = (hashlib.blake2b(normalise(query).encode("utf-8", "surrogatepass"), digest_size=8) for query in queries)
    return np.fromiter((int.from_bytes(h.digest(), "little") % folds for h in raw), np.int64, len(queries))


@dataclass(frozen=True)
class Examples:
    """What a teacher learns from: equal-length columns, all examples of a pair side by side.

    Attributes:
        rows: corpus rows.
        labels: 1 for the pair's document, 0 for a negative.
        weights: the pair's weight, on its negatives as well.
        pairs: number of the pair an example belongs to.
    """

    queries: Sequence[str]
    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    pairs: np.ndarray

    @property
    def digest(self) -> str:
        """Hash of all columns."""
        columns = [column.tobytes() for column in (self.rows, self.labels, self.weights, self.pairs)]
        return digest(digest_texts(self.queries), *(hashlib.sha256(raw).hexdigest() for raw in columns))

    def without_fold(self, fold: int, folds: int, most: int) -> "Examples":
        """The examples of the first ``most`` pairs whose query is not in ``fold``."""
        outside = fold_of(self.queries, folds) != fold
        chosen = np.flatnonzero(outside & np.isin(self.pairs, np.unique(self.pairs[outside])[:most]))
        columns = (column[chosen] for column in (self.rows, self.labels, self.weights, self.pairs))
        return Examples([self.queries[i] for i in chosen], *columns)


def sample(pairs: pl.DataFrame, most: int, folds: int, seed: int) -> pl.DataFrame:
    """Distinct pairs in an order drawn by (seed, pair), enough of them for ``most`` outside every fold.

    A pair that stands in several sources counts with the sum of its weights.
    """
    distinct = pairs.group_by("query", "doc_id", maintain_order=True).agg(pl.col("weight").sum())
    keys = pair_keys(distinct["query"], distinct["doc_id"], seed)
    shuffled = distinct[np.argsort(keys, kind="stable")]
    fold = fold_of(shuffled["query"].to_list(), folds)
    outside = [np.flatnonzero(fold != f) for f in range(folds)]
    last = max((int(rows[min(most, len(rows)) - 1]) for rows in outside if len(rows)), default=-1)
    return shuffled[: last + 1]


def examples(
    pairs: pl.DataFrame,
    corpus: Corpus,
    known: Known,
    dense: Search,
    *,
    deep: int,
    deep_low: int,
    deep_high: int,
    random: int,
    seed: int,
) -> Examples:
    """Each pair with ``deep`` documents of ranks [deep_low, deep_high) and ``random`` of the whole corpus.

    Never a known positive. In a corpus too small for these ranks the deeper half of it counts as deep.
    """
    pairs = pairs.filter(pl.col("doc_id").is_in(list(corpus.index)))
    queries = pairs["query"].to_list()
    keys, barred = pair_keys(queries, pairs["doc_id"], seed), Barred(pairs, corpus, known)
    positives = np.array([corpus.index[doc_id] for doc_id in pairs["doc_id"]], np.int64)
    negatives = np.full((len(queries), deep + random), -1, np.int64)
    if deep:
        high = min(deep_high, len(corpus))
        knobs = Knobs(low=min(deep_low, high // 2), high=high, keep=deep)
        ranked = dense(queries, high)
        free, _ = allowed(ranked, barred.mask(ranked.rows), knobs)
        unscored = np.full(len(queries), np.nan, np.float32)
        negatives[:, :deep] = pick(Candidates(ranked, free, keys, unscored), deep, Uniform(), "deep")["row"]
    negatives, _ = fill(negatives, barred, keys)
    rows = np.concatenate([positives[:, None], negatives], axis=1)
    line, column = np.nonzero(rows >= 0)
    weights = pairs["weight"].to_numpy().astype(np.float32)
    labels = (column == 0).astype(np.float32)
    return Examples([queries[i] for i in line], rows[line, column], labels, weights[line], line)


@dataclass(frozen=True)
class Recipe:
    """How a teacher is trained: weighted binary cross-entropy, AdamW, warm-up and linear decay.

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


def train(model, data: Examples, passages: Sequence[str], recipe: Recipe, seed: int, tell: Tell) -> None:
    """Fit ``model`` (a ``CrossEncoder``) in place.

    A step takes ``recipe.batch_size`` pairs with their negatives, encoded in chunks of similar length; its
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
            _backward(model, data, ids, rows, recipe.chunk_tokens, device)
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        tell(done, len(steps))
    model.eval()


def _backward(model, data: Examples, ids, rows: np.ndarray, budget: int, device) -> None:
    import torch

    from shoptalk.models.tokens import chunks

    total = float(data.weights[rows].sum())
    for part in chunks(ids.lengths[rows], budget):
        chosen = rows[part]
        logits = model(*(tensor.to(device) for tensor in model.pad(ids.take(chosen))))
        labels, weights = (torch.from_numpy(column[chosen]).to(device) for column in (data.labels, data.weights))
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none")
        ((losses * weights).sum() / total).backward()


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
