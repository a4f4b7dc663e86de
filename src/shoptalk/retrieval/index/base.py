"""What an option of the group ``index`` is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from shoptalk.cache import Cache
from shoptalk.errors import InputError
from shoptalk.retrieval.dense import check, search
from shoptalk.retrieval.ranked import Ranked


class Searcher(Protocol):
    """Vectors that can be searched with vectors.

    Some have ``notices``: sentences for the user about how they searched.
    """

    def __call__(self, queries: np.ndarray, k: int) -> Ranked:
        """The ``k`` rows with the highest inner product of each of ``queries``, float32 [n, d]."""
        ...


class Index(Protocol):
    """An option of the group ``index``."""

    def over(self, documents: np.ndarray, cache: Cache) -> Searcher:
        """Searches ``documents``, float32 [m, d], maybe memory-mapped.

        Scores are exact inner products and ties are broken by row, whatever the option: it decides only which
        documents are found.

        Raises:
            InputError: a vector is not finite.
        """
        ...


class Exact:
    """Every query is compared with every document."""

    def over(self, documents: np.ndarray, cache: Cache) -> Searcher:
        """Nothing is built."""
        check(documents[:0], documents)
        return lambda queries, k: search(queries, documents, k)


class Kind(ABC):
    """An approximate index: the settings of one structure, and how it is built and searched.

    Args:
        recall: the share of the exact top k that a search must find, in (0, 1].
        effort: how much of the structure a search looks at; ``None`` takes the least with enough recall.

    Attributes:
        name: as on the command line.
        unit: the name of ``effort`` there.
    """

    name: str
    unit: str

    def __init__(self, recall: float, effort: int | None):
        if not 0 < recall <= 1:
            raise InputError(f"index.recall={recall} must lie above 0 and not above 1.")
        self.recall, self.effort = recall, positive(self.unit, effort)

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What decides about candidates, beside the vectors and the effort."""

    @abstractmethod
    def products(self, m: int) -> float:
        """About how many inner products building takes for ``m`` documents."""

    @abstractmethod
    def memory(self, m: int, d: int) -> int:
        """About how many bytes must be at hand while ``m`` documents of ``d`` dimensions are searched."""

    @abstractmethod
    def learn(self, documents: np.ndarray) -> Any:
        """An empty structure, fitted to a sample of ``documents``."""

    @abstractmethod
    def add(self, structure: Any, block: np.ndarray) -> None:
        """Put the next documents in, float32 [b, d]."""

    @abstractmethod
    def efforts(self, structure: Any, k: int) -> Sequence[int]:
        """Efforts to choose from, rising."""

    @abstractmethod
    def candidates(self, structure: Any, queries: np.ndarray, documents: np.ndarray, k: int, effort: int) -> np.ndarray:
        """Rows int64 [n, c], c >= k, that may hold the best ``k``; -1 where there are fewer."""

    @abstractmethod
    def write(self, structure: Any, folder: Path) -> None:
        """Store the structure."""

    @abstractmethod
    def read(self, folder: Path) -> Any:
        """What ``write`` stored."""


def positive(name: str, value: int | None) -> int | None:
    """``value``, where it is ``None`` or at least 1."""
    if value is not None and value < 1:
        raise InputError(f"index.{name}={value} must be 1 or more.")
    return value
