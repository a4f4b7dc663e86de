"""A corpus's vectors as an index keeps them: in full, in a byte, or in half a byte per entry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from shoptalk.efficiency.cut import cut, cut_blocks
from shoptalk.retrieval.dense import exact, inner_products, nearest, nothing
from shoptalk.retrieval.index.means import drawn
from shoptalk.retrieval.ranked import Ranked

_SAMPLED = 65_536
"""Documents that ranges are learned from, at most."""

_QUANTILE = 0.005
"""What lies outside this share and one less it is clipped by int4: as near to the vectors as ranges can be fitted,
twice as near as with all values in range."""


class Codes(ABC):
    """m vectors of d dimensions at one precision, searched as they are stored.

    Attributes:
        name: of the precision.
        bytes: of all that is stored.
    """

    name: str
    bytes: int

    @staticmethod
    @abstractmethod
    def per_document(dimension: int) -> int:
        """Bytes of one vector."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(m, d)."""

    @abstractmethod
    def search(self, queries: np.ndarray, k: int) -> Ranked:
        """The best ``k`` of each of ``queries``, float32 [n, d] of unit length, which are not compressed themselves.

        Scores are inner products with the vectors as stored, summed in float64; ties go by row.
        """

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Store for ``read``, in a folder that exists."""

    @classmethod
    @abstractmethod
    def read(cls, folder: Path) -> Codes:
        """What ``write`` stored, in memory."""


class Full(Codes):
    """float32, four bytes per entry; vectors that are not cut are used where they lie."""

    name = "fp32"

    def __init__(self, vectors: np.ndarray):
        self.vectors, self.bytes = vectors, 4 * vectors.size

    @staticmethod
    def per_document(dimension: int) -> int:
        """See ``Codes``."""
        return 4 * dimension

    @classmethod
    def of(cls, vectors: np.ndarray, dimension: int) -> Full:
        """``vectors`` cut to ``dimension``."""
        if dimension == vectors.shape[1]:
            return cls(vectors)
        kept = np.empty((len(vectors), dimension), np.float32)
        for first, block in cut_blocks(vectors, dimension):
            kept[first : first + len(block)] = block
        return cls(kept)

    @property
    def shape(self) -> tuple[int, int]:
        """See ``Codes``."""
        return self.vectors.shape

    def search(self, queries: np.ndarray, k: int) -> Ranked:
        """See ``Codes``."""
        return exact(queries, self.vectors, k)

    def scores(self, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The score of row rows[i, j] for queries[i], float32 [n, j]."""
        return inner_products(queries, self.vectors, rows)

    def write(self, folder: Path) -> None:
        """See ``Codes``."""
        np.save(folder / "vectors.npy", self.vectors, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path) -> Full:
        """See ``Codes``."""
        return cls(np.load(folder / "vectors.npy", allow_pickle=False))


class Scalar(Codes):
    """Each entry as one of evenly spaced levels between two bounds of its dimension; faiss's scalar quantiser.

    The bounds are learned from a sample of the corpus.
    """

    quantiser: ClassVar[str]
    ranges: ClassVar[tuple[str, float]]
    """How the bounds are learned, as faiss calls it, and its argument."""

    def __init__(self, index: Any):
        self.index = index
        self.bytes = index.codes.size() + 4 * index.sq.trained.size()

    @classmethod
    def of(cls, vectors: np.ndarray, dimension: int) -> Scalar:
        """``vectors`` cut to ``dimension`` and quantised."""
        import faiss

        kind = faiss.ScalarQuantizer
        index = faiss.IndexScalarQuantizer(dimension, getattr(kind, cls.quantiser), faiss.METRIC_INNER_PRODUCT)
        rule, index.sq.rangestat_arg = cls.ranges
        index.sq.rangestat = getattr(kind, rule)
        index.train(np.ascontiguousarray(cut(drawn(vectors, _SAMPLED), dimension)))
        for _, block in cut_blocks(vectors, dimension):
            index.add(block)
        return cls(index)

    @property
    def shape(self) -> tuple[int, int]:
        """See ``Codes``."""
        return self.index.ntotal, self.index.d

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """The vectors at ``rows`` as they are stored, float32 [r, d]; any where a row is -1."""
        return self.index.reconstruct_batch(np.maximum(rows, 0))

    def search(self, queries: np.ndarray, k: int) -> Ranked:
        """See ``Codes``."""
        m, _ = self.shape
        found, within = nothing(len(queries), k), min(k, m)
        if within and len(queries):
            asked = np.ascontiguousarray(queries, np.float32)
            best = nearest(asked, m, within, self.index.search, self.scores)
            found.rows[:, :within], found.scores[:, :within] = best
        return found

    def scores(self, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The score of row rows[i, j] for queries[i], float32 [n, j]."""
        return inner_products(queries, self, rows)

    def write(self, folder: Path) -> None:
        """See ``Codes``."""
        import faiss

        faiss.write_index(self.index, str(folder / "faiss.index"))

    @classmethod
    def read(cls, folder: Path) -> Scalar:
        """See ``Codes``."""
        import faiss

        return cls(faiss.read_index(str(folder / "faiss.index")))


class Int8(Scalar):
    """A byte per entry: 256 levels from the least to the greatest of the sample."""

    name, quantiser, ranges = "int8", "QT_8bit", ("RS_minmax", 0.0)

    @staticmethod
    def per_document(dimension: int) -> int:
        """See ``Codes``."""
        return dimension


class Int4(Scalar):
    """Two entries to a byte: 16 levels, the outermost hundredth of the sample clipped."""

    name, quantiser, ranges = "int4", "QT_4bit", ("RS_quantiles", _QUANTILE)

    @staticmethod
    def per_document(dimension: int) -> int:
        """See ``Codes``."""
        return -(-dimension // 2)
