"""One structure over one corpus: built once, found again by the content of the vectors."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from shoptalk.cache import Cache, digest
from shoptalk.errors import InputError
from shoptalk.retrieval.dense import blocks, exact, inner_products, nothing
from shoptalk.retrieval.index.base import Kind
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.topk import in_order

VERSION = 1
_LINES = 8192  # queries searched at a time
_PARTS = 32  # blocks that documents are added in, about


class Built:
    """A structure of one kind over ``documents``, float32 [m, d], whose hash is ``content``.

    Attributes:
        key: a hash of all that the structure depends on.
    """

    def __init__(self, kind: Kind, documents: np.ndarray, content: str, cache: Cache):
        self.kind, self.documents, self.content, self.cache = kind, documents, content, cache
        self.key = digest("index", VERSION, kind.name, kind.settings(), threads(), content)
        self._structure: Any = None

    def build(self) -> Iterator[float]:
        """Learn, then add block after block: yields the share of the documents that is in."""
        structure, m = self.kind.learn(self.documents), len(self.documents)
        yield 0.0
        size = -(-m // _PARTS)
        for start in range(0, m, size):
            for first, block in blocks(self.documents[start : start + size]):
                self.kind.add(structure, block)
                yield (start + first + len(block)) / m
        self._structure = structure

    def there(self) -> bool:
        """Whether nothing needs to be built any more."""
        return self._structure is not None or self.cache.has("index", self.key)

    def structure(self) -> Any:
        """Built here, or else read from the cache, where it is built first if need be."""
        if self._structure is None:
            self._structure = read(self.kind, self.keep(), self.content)
        return self._structure

    def keep(self) -> Path:
        """The folder of the structure in the cache."""
        return self.cache.folder("index", self.key, self._make)

    def search(self, queries: np.ndarray, k: int, effort: int) -> Ranked:
        """The best ``k`` among the candidates of each query, by exact inner product; exact search where too few."""
        ranked, within = nothing(len(queries), k), min(k, len(self.documents))
        for start in range(0, len(queries), _LINES):
            lines = slice(start, start + _LINES)
            asked = np.ascontiguousarray(queries[lines], np.float32)
            found = self.kind.candidates(self.structure(), asked, self.documents, within, effort)
            rows, scores = in_order(found, inner_products(asked, self.documents, found))
            short = np.flatnonzero(rows[:, within - 1] < 0)
            whole = exact(asked[short], self.documents, within)
            rows[short, :within], scores[short, :within] = whole.rows, whole.scores
            ranked.rows[lines, :within], ranked.scores[lines, :within] = rows[:, :within], scores[:, :within]
        return ranked

    def _make(self, folder: Path) -> None:
        if self._structure is None:
            list(self.build())
        write(self.kind, self._structure, folder, self.content)


def write(kind: Kind, structure: Any, folder: Path, content: str) -> None:
    """Store a structure with the hash of the vectors that it is of."""
    kind.write(structure, folder)
    (folder / "index.json").write_text(json.dumps({"kind": kind.name, "vectors": content}))


def read(kind: Kind, folder: Path, content: str) -> Any:
    """What ``write`` stored.

    Raises:
        InputError: it is another kind's, or of other vectors than those whose hash is ``content``.
    """
    if json.loads((folder / "index.json").read_text()) != {"kind": kind.name, "vectors": content}:
        raise InputError(f"{folder} is an index file of another corpus or kind: remove it, and it is built anew.")
    return kind.read(folder)


def content_of(vectors: np.ndarray) -> str:
    """A stable hash of vectors as float32, and of their shape."""
    total = hashlib.sha256(str(vectors.shape).encode())
    for _, block in blocks(vectors):
        total.update(memoryview(block).cast("B"))
    return total.hexdigest()[:20]


def threads() -> int:
    """Threads of faiss, which sums depend on."""
    import faiss

    return faiss.omp_get_max_threads()
