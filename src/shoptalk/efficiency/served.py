"""A dense arm as a server holds it: what embeds a query, and the codes of the corpus."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shoptalk.efficiency.codes import Codes
from shoptalk.efficiency.cut import cut
from shoptalk.retrieval.dense import check
from shoptalk.retrieval.ranked import Ranked


class Served:
    """A ``Search`` over codes.

    Args:
        embedder: ``embed(texts, kind)`` -> float32 [n, d] of unit length; looks nothing up.
        codes: of documents that the same model embedded, cut to as many dimensions or fewer.
        model_precision: its name.
    """

    def __init__(self, embedder: Any, codes: Codes, model_precision: str):
        self.embedder, self.codes, self.model_precision = embedder, codes, model_precision

    def __call__(self, queries: Sequence[str], k: int) -> Ranked:
        """The ``k`` best corpus rows per query."""
        vectors = np.asarray(self.embedder.embed(list(queries), "query"))
        return self.search(vectors, k)

    def search(self, vectors: np.ndarray, k: int) -> Ranked:
        """The same of the queries' whole vectors, float32 [n, d]."""
        check(vectors, vectors[:0])
        return self.codes.search(cut(vectors, self.codes.shape[1]), k)


def keep(served: Served, folder: Path) -> None:
    """Write model and codes for ``restore``; only for an embedder that can be saved."""
    (folder / "model").mkdir(parents=True)
    (folder / "index").mkdir()
    served.embedder.save(folder / "model")
    served.codes.write(folder / "index")
    told = {"model": type(served.embedder).__name__, "precision": served.model_precision, "index": served.codes.name}
    (folder / "served.json").write_text(json.dumps(told))


def restore(folder: Path, threads: int) -> Callable[[], Served]:
    """What reads what ``keep`` wrote, all that it imports imported already."""
    from shoptalk.efficiency.index_precision import PRECISIONS

    told = json.loads((folder / "served.json").read_text())
    read = MODELS[told["model"]](folder / "model", told["precision"], threads)
    return lambda: Served(read(), PRECISIONS[told["index"]].read(folder / "index"), told["precision"])


def _held(folder: Path, precision: str, threads: int) -> Callable[[], Any]:
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer  # noqa: F401  they import what they need when asked

    from shoptalk.models.encoder import Encoder
    from shoptalk.models.held import Held

    torch.set_num_threads(threads)
    return lambda: Held(Encoder.load(str(folder)), precision)


def _static(folder: Path, precision: str, threads: int) -> Callable[[], Any]:
    import torch

    from shoptalk.models.static import StaticEncoder

    torch.set_num_threads(threads)
    return lambda: StaticEncoder.read(folder)


def _onnx(folder: Path, precision: str, threads: int) -> Callable[[], Any]:
    import onnxruntime  # noqa: F401
    import tokenizers  # noqa: F401

    from shoptalk.models.exported import OnnxEncoder

    return lambda: OnnxEncoder(folder, threads=threads)


MODELS: Mapping[str, Callable[[Path, str, int], Callable[[], Any]]] = {
    "Held": _held,
    "StaticEncoder": _static,
    "OnnxEncoder": _onnx,
}
"""Class of an embedder to what imports its libraries and gives what reads it."""
