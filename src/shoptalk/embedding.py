"""Tokens and vectors of the base model, computed once per content."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from shoptalk.cache import Cache, digest, digest_texts
from shoptalk.models.precision import preferred_precision
from shoptalk.models.ragged import Ragged

_BLOCK_BYTES = 1 << 28


class CachedTokens:
    """``tokens(texts, kind)`` of one tokenizer through the cache, memory-mapped."""

    def __init__(self, encoder, cache: Cache):
        self.encoder, self.cache = encoder, cache

    def __call__(self, texts: Sequence[str], kind: str) -> Ragged:
        """Token ids of each text, the prompt of ``kind`` before it."""
        key = digest(1, self.encoder.token_digest, kind, digest_texts(texts))
        folder = self.cache.folder(
            "tokens", key, lambda place: self.encoder.tokenize(texts, kind).write(place / "ids.arrow")
        )
        return Ragged.read(folder / "ids.arrow")


class CachedEmbed:
    """``embed(texts, kind)`` of frozen weights through the cache. Never used for weights in training.

    Args:
        threads: how many the matrix products use; figures may differ in their last digits between counts.
        precision: as of ``Encoder.embed``.
    """

    def __init__(self, encoder, cache: Cache, threads: int, progress=None, precision: str = "auto"):
        self.encoder, self.cache, self.threads, self.progress = encoder, cache, threads, progress
        self.tokens = CachedTokens(encoder, cache)
        self.precision = preferred_precision(encoder.device) if precision == "auto" else precision
        self.identity = digest("embeddings", 4, encoder.digest, self.precision, threads)

    def __call__(self, texts: Sequence[str], kind: str) -> np.ndarray:
        """float32 [n, d], rows of length 1, memory-mapped; many texts never lie in memory as vectors all at once."""
        shape = (len(texts), self.encoder.dimension)
        return self.cache.rows("embeddings", self.key(texts, kind), shape, lambda: self._embed(texts, kind))

    def has(self, texts: Sequence[str], kind: str) -> bool:
        """Whether the vectors are there already."""
        return self.cache.has("embeddings", self.key(texts, kind))

    def put(self, texts: Sequence[str], kind: str, vectors: np.ndarray) -> None:
        """Keep vectors that several processes made together."""
        self.cache.array("embeddings", self.key(texts, kind), lambda: vectors)

    def key(self, texts: Sequence[str], kind: str) -> str:
        """Hash of all that determines the vectors."""
        return digest(self.identity, kind, digest_texts(texts))

    def _embed(self, texts: Sequence[str], kind: str) -> Iterator[np.ndarray]:
        """The vectors of one block of texts after another."""
        ids, prompt_length = self.tokens(texts, kind), self.encoder.prompt_length(kind)
        size = max(1, _BLOCK_BYTES // (4 * self.encoder.dimension))
        with self._bar(len(texts), kind) as tell:
            for start in range(0, len(texts), size):
                rows = np.arange(start, min(start + size, len(texts)))
                told = _behind(tell, start, len(texts))
                yield self.encoder.embed_ids(ids.take(rows), prompt_length, precision=self.precision, progress=told)

    def _bar(self, count: int, kind: str) -> AbstractContextManager:
        if self.progress is None or count < 2000:
            return nullcontext()
        return self.progress(f"embedding {count:,} {kind} texts")


def _behind(tell: Callable[[int, int], None] | None, start: int, total: int) -> Callable[[int, int], None] | None:
    """``tell`` for a block that begins at ``start`` of ``total``."""
    return tell and (lambda done, _: tell(start + done, total))


def once(embed: Callable[[Sequence[str], str], np.ndarray]) -> Callable[[Sequence[str], str], np.ndarray]:
    """``embed``, which remembers the vectors of the texts it was last asked for; for weights that stand still."""
    asked, vectors = None, np.empty(0)

    def remembered(texts: Sequence[str], kind: str) -> np.ndarray:
        nonlocal asked, vectors
        if asked != (kind, list(texts)):
            asked, vectors = (kind, list(texts)), embed(texts, kind)
        return vectors

    return remembered
