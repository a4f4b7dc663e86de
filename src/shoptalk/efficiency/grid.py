"""The smaller forms of a dense arm: its vectors cut, its index compressed, its model in another precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np

from shoptalk.arms.base import Bench, Opened
from shoptalk.cache import digest, digest_texts
from shoptalk.efficiency import model_precision
from shoptalk.efficiency.index_precision import compressed
from shoptalk.efficiency.options import Efficiency
from shoptalk.efficiency.served import Served
from shoptalk.embedding import once
from shoptalk.models.encoder import Encoder
from shoptalk.models.held import held

_PLAIN = "fp32"


def grid(name: str, opened: Opened, bench: Bench, options: Efficiency) -> Iterator[tuple[str, Opened]]:
    """The arm under its name, then its forms, as ``name@128``, ``name@128/int8``, ``name:onnx-int8@128/int8``.

    They come one at a time, so that only one index must be held. An arm without vectors has no forms.

    Raises:
        InputError: ONNX is asked for and its packages are missing, or it cannot hold the model.
    """
    if opened.encoder is None or opened.vectors is None:
        yield name, opened
        return
    own, plain = opened.vectors.shape[1], _plain(opened)
    sizes, too_long = _sizes(name, own, options.dimensions)
    precisions, left_out = _precisions(name, opened, bench, options)
    whole = _form(opened, plain, own, _PLAIN, options)
    notices = [*opened.notices, *too_long, *left_out]
    yield name, replace(whole, search=opened.search, encoder=opened.encoder, vectors=opened.vectors, notices=notices)
    for precision in precisions:
        model = _other(opened, precision, bench) if precision else plain
        for size, kind in product(sizes, dict.fromkeys(options.index_precisions)):
            if (precision, size, kind) != (None, own, _PLAIN):
                parts = (f":{precision}" if precision else "", f"@{size}" if size < own else "")
                yield (
                    name + "".join(parts) + (f"/{kind}" if kind != _PLAIN else ""),
                    _form(opened, model, size, kind, options),
                )


def served(opened: Opened) -> Served:
    """A dense arm as it is, ready to be timed and weighed: whole vectors, its model in its own precision."""
    model = _plain(opened)
    return Served(model.embedder, compressed(model.vectors, model.vectors.shape[1], _PLAIN), model.precision)


@dataclass(frozen=True)
class _Model:
    """A model in one precision, and the documents as it embeds them."""

    precision: str
    embedder: Any
    vectors: np.ndarray

    @cached_property
    def remembering(self) -> Any:
        """What embeds the queries of one split once for all forms."""
        return SimpleNamespace(embed=once(self.embedder.embed))


def _plain(opened: Opened) -> _Model:
    return _Model(model_precision.own_precision(opened.encoder), held(opened.encoder), opened.vectors)


def _other(opened: Opened, precision: str, bench: Bench) -> _Model:
    embedder, passages = model_precision.PRECISIONS[precision](opened.encoder, bench), bench.corpus.passages

    def embed() -> np.ndarray:
        with bench.bar(f"embedding {len(passages):,} documents, {precision}") as tell:
            return embedder.embed(passages, "document", progress=tell)

    key = digest("efficiency", 1, embedder.digest, bench.threads, digest_texts(passages))
    return _Model(precision, embedder, bench.cache.array("embeddings", key, embed))


def _form(opened: Opened, model: _Model, size: int, kind: str, options: Efficiency) -> Opened:
    codes = compressed(model.vectors, size, kind, options.rescored)
    return Opened(
        Served(model.remembering, codes, model.precision),
        live=None if opened.live is None else Served(model.embedder, codes, model.precision),
        encoder=model.embedder,
        facts={**opened.facts, "dimension": size, "index_precision": kind, "model_precision": model.precision},
    )


def _sizes(name: str, own: int, asked: Sequence[int]) -> tuple[list[int], list[str]]:
    """The model's own dimension and the shorter ones, and sentences about longer ones."""
    distinct = dict.fromkeys(asked)
    told = [
        f"{name} has {own} dimensions; efficiency.dimensions={size} is left out." for size in distinct if size > own
    ]
    return [own, *(size for size in distinct if size < own)], told


def _precisions(name: str, opened: Opened, bench: Bench, options: Efficiency) -> tuple[list[str | None], list[str]]:
    """Model precisions, ``None`` for the arm's own, and sentences about those left out."""
    asked, told = options.model_precisions, []
    if asked is None:
        there, told = model_precision.available(bench)
        asked = [model_precision.AUTO, *there]
    own = {model_precision.AUTO, model_precision.own_precision(opened.encoder)}
    named = list(dict.fromkeys(None if precision in own else precision for precision in asked))
    others = ", ".join(precision for precision in named if precision)
    if isinstance(opened.encoder, Encoder) or not others:
        return named, told
    return [None], [f"{name} is no transformer read here and stays in its own precision, not {others}."]
