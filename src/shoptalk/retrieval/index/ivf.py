"""Inverted lists."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shoptalk.retrieval.dense import SPARE
from shoptalk.retrieval.index.approximate import Approximate
from shoptalk.retrieval.index.base import positive
from shoptalk.retrieval.index.means import centroids, ladder, lists_for, nearest, products

_HELD = 1 << 22  # scores held at a time


@dataclass
class Lists:
    """Centroids [lists, d], and the corpus rows of list l at ``rows[starts[l] : starts[l + 1]]``."""

    centroids: np.ndarray
    nearest: list[np.ndarray] = field(default_factory=list)
    rows: np.ndarray | None = None
    starts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.centroids)

    def sort(self) -> None:
        """Order the rows by list, once all documents are in."""
        if self.rows is None:
            of_row = np.concatenate(self.nearest)
            self.rows = np.argsort(of_row, kind="stable")
            self.starts = np.searchsorted(of_row[self.rows], np.arange(len(self) + 1))
            self.nearest = []


class IVF(Approximate):
    """Inverted lists (Sivic and Zisserman 2003): documents by nearest centroid, a few lists looked at per query.

    The lists hold row numbers alone; vectors are read where they lie. A list is compared with all queries that probe
    it in one matrix product: fast where many queries come at once, and only there.

    Args:
        lists: ``None`` takes the power of two next to the square root of the number of documents.
        probes: lists that a query looks at.
        recall: see ``Kind``.
    """

    name, unit = "ivf", "probes"

    def __init__(self, lists: int | None = None, probes: int | None = None, recall: float = 0.95):
        super().__init__(recall, probes)
        self.lists = positive("lists", lists)

    def settings(self) -> dict[str, Any]:
        """The number of lists."""
        return {"lists": self.lists}

    def products(self, m: int) -> float:
        """k-means, and each document against each centroid."""
        return products(m, lists_for(m, self.lists))

    def memory(self, m: int, d: int) -> int:
        """The vectors, which are read in no order, and row numbers."""
        return m * (4 * d + 24)

    def learn(self, documents: np.ndarray) -> Lists:
        """Centroids."""
        return Lists(centroids(documents, lists_for(len(documents), self.lists)))

    def add(self, structure: Lists, block: np.ndarray) -> None:
        """The nearest centroid of each document."""
        structure.nearest.append(nearest(block, structure.centroids, 1)[:, 0])

    def efforts(self, structure: Lists, k: int) -> list[int]:
        """From one list to all."""
        return ladder(1, len(structure))

    def candidates(
        self, structure: Lists, queries: np.ndarray, documents: np.ndarray, k: int, effort: int
    ) -> np.ndarray:
        """The best of the probed lists."""
        import faiss
        import torch

        structure.sort()
        lines_of, starts = _by_list(nearest(queries, structure.centroids, min(effort, len(structure))), len(structure))
        best = faiss.ResultHeap(len(queries), min(k + SPARE, len(documents)), keep_max=True)
        for number in range(len(structure)):
            lines = lines_of[starts[number] : starts[number + 1]]
            rows = structure.rows[structure.starts[number] : structure.starts[number + 1]]
            asked = torch.from_numpy(queries[lines])
            for some in np.split(rows, range(0, len(rows), max(1, _HELD // max(1, len(lines))))[1:]):
                if len(lines) and len(some):
                    block = torch.from_numpy(np.ascontiguousarray(documents[some], np.float32))
                    best.add_result_subset(lines, (asked @ block.T).numpy(), some)
        best.finalize()
        return best.I

    def write(self, structure: Lists, folder: Path) -> None:
        """Three arrays."""
        structure.sort()
        for name in ("centroids", "rows", "starts"):
            np.save(folder / f"{name}.npy", getattr(structure, name), allow_pickle=False)

    def read(self, folder: Path) -> Lists:
        """What ``write`` stored."""
        names = ("centroids", "rows", "starts")
        return Lists(**{name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in names})


def _by_list(probed: np.ndarray, lists: int) -> tuple[np.ndarray, np.ndarray]:
    """Lines of queries ordered by the list they probe, those of list l at [starts[l], starts[l + 1])."""
    order = np.argsort(probed, axis=None, kind="stable")
    return order // probed.shape[1], np.searchsorted(probed.ravel()[order], np.arange(lists + 1))
