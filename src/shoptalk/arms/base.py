"""What every retriever under comparison is: opened over one corpus, it searches and tells what it is made of."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.retrieval.ranked import Ranked

Search = Callable[[Sequence[str], int], Ranked]
"""Queries and k to the k best corpus rows of each."""


@dataclass(frozen=True)
class Bench:
    """What arms are opened over.

    Attributes:
        bar: ``with bar(title) as report`` shows progress; ``report(done, of)`` is called as long work goes.
        device: where models work.
        say: tells the user a sentence at once.
    """

    corpus: Corpus
    cache: Cache
    threads: int
    bar: Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
    device: str = "cpu"
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Opened:
    """A retriever over one corpus.

    Attributes:
        search: ``search(queries, k)`` -> ``Ranked`` over rows of the corpus; it may look up what was searched before.
        live: the same search with nothing looked up, to be timed; ``None`` for what costs money.
        encoder: what embeds, with ``embed(texts, kind)`` and ``dimension``; ``None`` for what has no vectors.
        vectors: float32 [documents, d] of unit length, maybe memory-mapped; ``None`` where there are none.
        facts: what is known of it without measuring: ``parameters``, ``dimension``, ``licence``, those that apply.
        notices: sentences the user should see.
        parts: where it is made of others, what it keeps in memory: those, opened, and models with ``save(folder)``.
    """

    search: Search
    live: Search | None = None
    encoder: Any | None = None
    vectors: np.ndarray | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notices: Sequence[str] = ()
    parts: Sequence[Any] = ()


class Arm(Protocol):
    """A retriever by its name in tables, opened once its corpus is known.

    Raises:
        InputError: from ``open``, where it cannot be had: no such folder, an endpoint that does not answer.
    """

    name: str

    def open(self, bench: Bench) -> Opened:
        """Ready to search ``bench.corpus``; what is expensive and the same every time goes through ``bench.cache``."""
        ...
