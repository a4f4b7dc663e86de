"""Random batches for the losses, and the vectors of a sentence-transformers model that needs no weights."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from hypothesis import strategies as st
from torch import nn

from shoptalk.losses import Targets


@dataclass(frozen=True)
class Drawn:
    queries: np.ndarray
    documents: np.ndarray
    positive: np.ndarray
    mask: np.ndarray
    weight: np.ndarray
    teacher: np.ndarray
    guide: np.ndarray
    own_temperature: np.ndarray
    temperature: float

    def cosine(self, i, j):
        q, d = self.queries[i], self.documents[j]
        return float(q @ d / (np.linalg.norm(q) * np.linalg.norm(d)))

    def scale(self, i):
        """The temperature of pair i."""
        own = self.own_temperature[i]
        return self.temperature if np.isnan(own) else own

    def arguments(self, dtype=torch.float64):
        """Queries, documents, targets, temperature; vectors in ``dtype``, the rest in float32 at least."""
        vectors = (torch.tensor(x, dtype=dtype, requires_grad=True) for x in (self.queries, self.documents))
        rest = torch.promote_types(dtype, torch.float32)
        fields = {name: torch.tensor(getattr(self, name)) for name in Targets._fields}
        targets = Targets(**{name: x.to(rest) if x.is_floating_point() else x for name, x in fields.items()})
        return *vectors, targets, torch.tensor(self.temperature, dtype=rest)

    def cut(self, size):
        return replace(self, queries=self.queries[:, :size], documents=self.documents[:, :size])

    def mean(self, losses):
        """Σ wℓ / Σ w over the pairs whose loss is not None."""
        known = [(loss, w) for loss, w in zip(losses, self.weight, strict=True) if loss is not None]
        return sum(loss * w for loss, w in known) / sum(w for _, w in known) if known else 0.0


def draw(seed, n=5, m=9, d=6, temperature=0.05):
    random = np.random.default_rng(seed)
    positive = random.integers(0, m, n)
    mask = random.random((n, m)) < 0.3
    mask[np.arange(n), positive] = False
    return Drawn(
        queries=random.normal(size=(n, d)),
        documents=random.normal(size=(m, d)),
        positive=positive,
        mask=mask,
        weight=random.uniform(0.1, 3, n),
        teacher=np.where(random.random((n, m)) < 0.3, np.nan, random.normal(0, 3, (n, m))),
        guide=random.uniform(-1, 1, (n, m)),
        own_temperature=np.where(random.random(n) < 0.5, np.nan, random.uniform(0.5, 2, n) * temperature),
        temperature=temperature,
    )


batches = st.builds(
    draw,
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 5),
    m=st.integers(1, 7),
    d=st.integers(2, 6),
    temperature=st.sampled_from([0.02, 0.05, 0.5]),
)


def every_pair(n, negatives=0):
    """Targets of n pairs over n positives and then n · negatives further columns: nothing masked, weight 1."""
    mask = torch.zeros(n, n * (1 + negatives), dtype=torch.bool)
    return Targets(torch.arange(n), mask, torch.ones(n))


class Given(nn.Module):
    """In the place of a SentenceTransformer: the vectors of a text are those that came with it."""

    def __init__(self, name="vectors", tokenizer=None, size=None):
        super().__init__()
        self.name, self.tokenizer, self.size, self.max_seq_length = name, tokenizer, size, 1

    def forward(self, features):
        return {"sentence_embedding": features[self.name]}

    def get_embedding_dimension(self):
        return self.size
