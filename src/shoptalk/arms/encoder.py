"""Embedding models under comparison."""

from collections.abc import Callable
from typing import Any

from shoptalk.arms.base import Bench, Opened
from shoptalk.embedding import CachedEmbed
from shoptalk.errors import InputError
from shoptalk.models.held import held
from shoptalk.retrieval.cached import CachedSearch
from shoptalk.retrieval.dense import Dense
from shoptalk.system import give_back_memory


class EncoderArm:
    """An encoder, searched exactly.

    Args:
        load: reads the encoder.
    """

    def __init__(self, name: str, load: Callable[[], Any]):
        self.name, self.load = name, load

    def open(self, bench: Bench) -> Opened:
        """See ``Arm``; vectors of its frozen weights are cached."""
        try:
            encoder = self.load().to(bench.device)
        except InputError as error:
            raise InputError(f"models={self.name}: {error}") from error
        embed = CachedEmbed(encoder, bench.cache, bench.threads, bench.bar)
        passages = bench.corpus.passages
        vectors, content = embed(passages, "document"), embed.key(passages, "document")
        give_back_memory()  # what tokens and blocks of vectors took: the vectors themselves are mapped
        return Opened(
            CachedSearch(lambda: Dense(embed, vectors), content, bench.cache),
            live=Dense(held(encoder).embed, vectors),
            encoder=encoder,
            vectors=vectors,
            facts={
                "parameters": sum(weight.numel() for weight in encoder.parameters()),
                "dimension": encoder.dimension,
                "max_length": encoder.max_length,
            },
            notices=list(encoder.notices),
        )
