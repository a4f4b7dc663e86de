"""Vectors of the base model, computed once per content."""

from collections.abc import Sequence

import numpy as np

from shoptalk.cache import Cache, digest, digest_texts
from shoptalk.models.precision import preferred_precision


class CachedEmbed:
    """``embed(texts, kind)`` of frozen weights through the cache. Never used for weights in training.

    Args:
        threads: how many the matrix products use; figures may differ in their last digits between counts.
    """

    def __init__(self, encoder, cache: Cache, threads: int, progress=None):
        self.encoder, self.cache, self.threads, self.progress = encoder, cache, threads, progress
        self.identity = digest("embeddings", 1, encoder.digest, preferred_precision(encoder.device), threads)

    def __call__(self, texts: Sequence[str], kind: str) -> np.ndarray:
        """float32 [n, d], rows of length 1, memory-mapped."""
        key = digest(self.identity, kind, digest_texts(texts))
        return self.cache.array("embeddings", key, lambda: self._embed(texts, kind))

    def _embed(self, texts: Sequence[str], kind: str) -> np.ndarray:
        if self.progress is None or len(texts) < 2000:
            return self.encoder.embed(texts, kind)
        with self.progress(f"embedding {len(texts):,} {kind} texts") as tell:
            return self.encoder.embed(texts, kind, progress=tell)
