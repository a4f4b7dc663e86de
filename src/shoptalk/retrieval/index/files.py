"""Structures that are one index of faiss."""

from pathlib import Path
from typing import Any

import numpy as np

from shoptalk.retrieval.dense import matrix_products
from shoptalk.retrieval.index.approximate import Approximate


class FaissIndex(Approximate):
    """An option whose structure is one index of faiss, kept in faiss's own format."""

    def add(self, structure: Any, block: np.ndarray) -> None:
        """As faiss does."""
        with matrix_products():
            structure.add(block)

    def write(self, structure: Any, folder: Path) -> None:
        """One file."""
        import faiss

        faiss.write_index(structure, str(folder / "faiss.index"))

    def read(self, folder: Path) -> Any:
        """What ``write`` stored."""
        import faiss

        return faiss.read_index(str(folder / "faiss.index"))
