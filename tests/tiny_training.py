"""The least to train on: random tokens and a bag-of-vectors encoder."""

import numpy as np
import torch
from torch import nn

from shoptalk.losses import InfoNCE
from shoptalk.models.ragged import Ragged
from shoptalk.negatives.draws import rotate
from shoptalk.temperature import Fixed
from shoptalk.training.batches import Batches, Examples, mixed
from shoptalk.training.encoding import Encoding
from shoptalk.training.module import BiEncoder
from shoptalk.training.ranks import embedded


class Bag(nn.Module):
    """The least an encoder must do: mean of token vectors through a layer, with dropout where asked."""

    def __init__(self, dropout: float = 0.0):
        super().__init__()
        self.table, self.layer, self.dropout = nn.Embedding(50, 8), nn.Linear(8, 8), nn.Dropout(dropout)

    def forward(self, texts):
        return torch.stack(
            [self.layer(self.dropout(self.table(torch.from_numpy(ids).long()).mean(0))) for ids in texts]
        )

    def start(self, texts):
        return lambda rows, prompt_length=0: self(texts.take(rows))

    def prompt_length(self, kind):
        return 0

    def embed_ids(self, ids, prompt_length=0, *, progress=None):
        with torch.no_grad():
            return self(ids).numpy()


class Killed(BaseException):
    """The process is gone."""


class Nearest:
    """Mines again: the three documents nearest to each pair's query that are no known positives, every 4 steps."""

    def __init__(self, examples: Examples, teacher: bool = False, dies_at: int | None = None, steps: int = 4):
        self.examples, self.teacher, self.calls, self.dies_at, self.steps = examples, teacher, [], dies_at, steps

    def every(self, pairs, size, whole):
        return self.steps

    def __call__(self, encoder, pairs):
        assert not encoder.training
        self.calls.append(pairs)
        if len(self.calls) == self.dies_at:
            raise Killed
        documents = embedded(encoder.embed_ids, self.examples.document_tokens, 0)
        order = np.argsort(-encoder.embed_ids(self.examples.query_tokens.take(pairs)) @ documents.T, kind="stable")
        rows = [line[~np.isin(line, self.examples.known[p])][:3] for p, line in zip(pairs, order, strict=True)]
        judged = [np.append(p, row).astype(np.float32) for p, row in zip(pairs, rows, strict=True)]
        return rows, judged if self.teacher else None


def make_examples(seed: int, pairs: int = 20, documents: int = 30, draws: int = 33) -> Examples:
    random = np.random.default_rng(seed)
    positives = random.integers(0, documents, pairs)
    known = [np.unique(np.append(random.integers(0, documents, 3), positives[p])) for p in range(pairs)]
    negatives = [np.setdiff1d(random.permutation(documents)[: random.integers(0, 6)], known[p]) for p in range(pairs)]
    return Examples(
        query_tokens=Ragged.of([random.integers(1, 50, random.integers(1, 9)) for _ in range(pairs)]),
        # The first token tells documents apart.
        document_tokens=Ragged.of(
            [np.append(d + 1, random.integers(1, 50, random.integers(0, 29))) for d in range(documents)]
        ),
        positives=positives,
        weights=random.uniform(0.2, 2, pairs).astype(np.float32),
        negatives=negatives,
        known=known,
        order=random.integers(0, pairs, draws),
        sources=random.integers(0, 3, pairs),
    )


def make_batches(examples: Examples, size: int = 8, divide=mixed) -> Batches:
    draw = lambda kept, seed, pair, time: rotate(kept, 2, seed, pair, time)  # noqa: E731
    return Batches(examples, size, 0, draw, divide)


def make_module(
    encoder: nn.Module, steps: int, *, chunk_tokens: int = 40, cached: bool = False, **changed
) -> BiEncoder:
    options = {"loss": InfoNCE(), "temperature": Fixed(0.05), "identity": {}, "seed": 0} | changed
    encoding = Encoding(encoder, chunk_tokens, cached, options.pop("seed"))
    return BiEncoder(encoding, learning_rate=1e-2, weight_decay=0.01, warmup=0.1, steps=steps, **options)
