"""The least to train on: random tokens and a bag-of-vectors encoder."""

from functools import partial

import numpy as np
from torch import nn

from shoptalk.models.tokens import pad
from shoptalk.negatives.draws import rotate
from shoptalk.training.batches import Batches, Examples


class Bag(nn.Module):
    """The least an encoder must do: mean of token vectors through a layer."""

    def __init__(self):
        super().__init__()
        self.table, self.layer = nn.Embedding(50, 8), nn.Linear(8, 8)

    def forward(self, input_ids, attention_mask, prompt_length=0):
        mask = attention_mask[..., None].float()
        return self.layer((self.table(input_ids) * mask).sum(1) / mask.sum(1))

    def forward_chunks(self, chunks):
        return [self(*chunk) for chunk in chunks]

    def prompt_length(self, kind):
        return 0


def make_examples(seed: int, pairs: int = 20, documents: int = 30, draws: int = 33) -> Examples:
    random = np.random.default_rng(seed)
    positives = random.integers(0, documents, pairs)
    known = [np.unique(np.append(random.integers(0, documents, 3), positives[p])) for p in range(pairs)]
    negatives = [np.setdiff1d(random.permutation(documents)[: random.integers(0, 6)], known[p]) for p in range(pairs)]
    return Examples(
        query_tokens=[random.integers(1, 50, random.integers(1, 9)) for _ in range(pairs)],
        # The first token tells documents apart.
        document_tokens=[np.append(d + 1, random.integers(1, 50, random.integers(0, 29))) for d in range(documents)],
        positives=positives,
        weights=random.uniform(0.2, 2, pairs).astype(np.float32),
        negatives=negatives,
        known=known,
        order=random.integers(0, pairs, draws),
    )


def make_batches(examples: Examples, chunk_tokens: int = 40, size: int = 8) -> Batches:
    draw = lambda kept, seed, pair, time: rotate(kept, 2, seed, pair, time)  # noqa: E731
    return Batches(examples, partial(pad, pad_id=0), size, chunk_tokens, 0, draw)
