"""Vectors as signs, and their best by Hamming distance in a better order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from shoptalk.efficiency.codes import Codes, Full, Scalar
from shoptalk.retrieval.dense import blocks, nothing
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.topk import in_order

RESCORED = 100
"""Candidates of a query by signs that better codes put in order."""


class Signs(Codes):
    """One bit per entry, its sign; compared by how many differ from the query's (Hamming distance).

    A score is the cosine of the two vectors of signs, in [-1, 1].
    """

    name = "binary"

    def __init__(self, index: Any, dimension: int):
        self.index, self.dimension = index, dimension
        # Counts instead of a heap: equal distances then come in the order of rows.
        index.use_heap = False
        self.bytes = index.xb.size()

    @classmethod
    def of(cls, vectors: np.ndarray, dimension: int) -> Signs:
        """The signs of the first ``dimension`` entries of ``vectors``."""
        import faiss

        index = faiss.IndexBinaryFlat(8 * cls.per_document(dimension))
        for _, block in blocks(vectors):
            index.add(_signs(block[:, :dimension]))
        return cls(index, dimension)

    @staticmethod
    def per_document(dimension: int) -> int:
        """See ``Codes``."""
        return -(-dimension // 8)

    @property
    def shape(self) -> tuple[int, int]:
        """See ``Codes``."""
        return self.index.ntotal, self.dimension

    def search(self, queries: np.ndarray, k: int) -> Ranked:
        """See ``Codes``, but that queries are compressed as well."""
        found, within = nothing(len(queries), k), min(k, self.index.ntotal)
        if within and len(queries):
            apart, found.rows[:, :within] = self.index.search(_signs(queries), within)
            found.scores[:, :within] = 1 - 2 * apart / self.dimension
        return found

    def write(self, folder: Path) -> None:
        """See ``Codes``."""
        import faiss

        faiss.write_index_binary(self.index, str(folder / "faiss.index"))
        (folder / "signs.json").write_text(json.dumps({"dimension": self.dimension}))

    @classmethod
    def read(cls, folder: Path) -> Signs:
        """See ``Codes``."""
        import faiss

        told = json.loads((folder / "signs.json").read_text())
        return cls(faiss.read_index_binary(str(folder / "faiss.index")), told["dimension"])


class Rescored(Codes):
    """Signs, whose best are put in order by better codes kept beside them.

    Attributes:
        rescored: candidates by signs, or k where that is more; as many for every smaller k, so that a search for fewer
            gives the head of one for more.
        better: float32 or int8.
    """

    better: type[Full] | type[Scalar]

    def __init__(self, signs: Signs, beside: Full | Scalar, rescored: int):
        self.signs, self.beside, self.rescored = signs, beside, rescored
        self.bytes = signs.bytes + beside.bytes

    @classmethod
    def of(cls, vectors: np.ndarray, dimension: int, rescored: int = RESCORED) -> Rescored:
        """Both codes of ``vectors`` cut to ``dimension``."""
        return cls(Signs.of(vectors, dimension), cls.better.of(vectors, dimension), rescored)

    @classmethod
    def per_document(cls, dimension: int) -> int:
        """See ``Codes``."""
        return Signs.per_document(dimension) + cls.better.per_document(dimension)

    @property
    def shape(self) -> tuple[int, int]:
        """See ``Codes``."""
        return self.signs.shape

    def search(self, queries: np.ndarray, k: int) -> Ranked:
        """See ``Codes``."""
        near = self.signs.search(queries, max(k, min(self.rescored, self.shape[0])))
        rows, scores = in_order(near.rows, self.beside.scores(queries, near.rows))
        return Ranked(rows[:, :k], scores[:, :k])

    def write(self, folder: Path) -> None:
        """See ``Codes``."""
        for name, part in (("signs", self.signs), ("beside", self.beside)):
            (folder / name).mkdir()
            part.write(folder / name)
        (folder / "rescored.json").write_text(json.dumps({"rescored": self.rescored}))

    @classmethod
    def read(cls, folder: Path) -> Rescored:
        """See ``Codes``."""
        told = json.loads((folder / "rescored.json").read_text())
        return cls(Signs.read(folder / "signs"), cls.better.read(folder / "beside"), told["rescored"])


def _signs(vectors: np.ndarray) -> np.ndarray:
    return np.packbits(vectors > 0, axis=1)
