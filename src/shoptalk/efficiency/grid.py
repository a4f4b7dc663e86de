"""The smaller forms of a dense arm: its vectors cut, its index compressed, its model in another precision."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
    own, plain = opened.vectors.shape[1], held(opened.encoder)
    sizes, too_long = _sizes(name, own, options.dimensions)
    precisions, left_out = _precisions(name, opened, bench, options)
    whole = _form(opened, plain, opened.vectors, (own, _PLAIN, None), options)
    yield name, replace(whole, search=opened.search, notices=[*opened.notices, *too_long, *left_out])
    for precision in precisions:
        embedder, vectors = _model(opened, precision, bench) if precision else (plain, opened.vectors)
        for size, kind in product(sizes, dict.fromkeys(options.index_precisions)):
            if (precision, size, kind) != (None, own, _PLAIN):
                form = _form(opened, embedder, vectors, (size, kind, precision), options)
                yield _name(name, precision, size if size < own else None, kind), form


def served(opened: Opened) -> Served:
    """A dense arm as it is, ready to be timed and weighed: whole vectors, its model in its own precision."""
    codes = compressed(opened.vectors, opened.vectors.shape[1], _PLAIN)
    return Served(held(opened.encoder), codes, model_precision.own_precision(opened.encoder))


def _name(name: str, precision: str | None, size: int | None, kind: str) -> str:
    return "".join([
        name, f":{precision}" if precision else "", f"@{size}" if size else "", f"/{kind}" if kind != _PLAIN else ""
    ])  # fmt: skip


def _sizes(name: str, own: int, asked: Sequence[int]) -> tuple[list[int], list[str]]:
    """The model's own dimension and the shorter ones, and sentences about longer ones."""
    distinct = dict.fromkeys(asked)
    told = [
        f"{name} has {own} dimensions; efficiency.dimensions={size} is left out." for size in distinct if size > own
    ]
    return [own, *(size for size in distinct if size < own)], told


def _precisions(
    name: str, opened: Opened, bench: Bench, options: Efficiency
) -> tuple[Sequence[str | None], Sequence[str]]:
    """Model precisions, ``None`` for the arm's own, and sentences about those left out."""
    if options.model_precisions is None:
        asked, told = model_precision.available(bench)
        asked = [model_precision.AUTO, *asked]
    else:
        asked, told = list(options.model_precisions), []
    own = model_precision.own_precision(opened.encoder)
    named = dict.fromkeys(None if precision in (model_precision.AUTO, own) else precision for precision in asked)
    if isinstance(opened.encoder, Encoder):
        return list(named), told
    others = [precision for precision in named if precision]
    lost = (
        [f"{name} is no transformer read here and stays in its own precision, not {', '.join(others)}."]
        if others
        else []
    )
    return [None], lost


def _model(opened: Opened, precision: str, bench: Bench) -> tuple[Any, np.ndarray]:
    """What embeds queries in this precision, and the documents as it embeds them."""
    embedder, passages = model_precision.PRECISIONS[precision](opened.encoder, bench), bench.corpus.passages

    def embed() -> np.ndarray:
        with bench.bar(f"embedding {len(passages):,} documents, {precision}") as tell:
            return embedder.embed(passages, "document", progress=tell)

    key = digest("efficiency", 1, embedder.digest, bench.threads, digest_texts(passages))
    return embedder, bench.cache.array("embeddings", key, embed)


def _form(
    opened: Opened, embedder: Any, vectors: np.ndarray, form: tuple[int, str, str | None], options: Efficiency
) -> Opened:
    size, kind, precision = form
    named = precision or model_precision.own_precision(opened.encoder)
    codes = compressed(vectors, size, kind, options.rescored)
    # Quality is asked of all queries at once, maybe more than once; time, of what looks nothing up.
    remembering = SimpleNamespace(embed=once(embedder.embed))
    return Opened(
        Served(remembering, codes, named),
        live=None if opened.live is None else Served(embedder, codes, named),
        encoder=opened.encoder,
        vectors=opened.vectors if (size, kind, precision) == (vectors.shape[1], _PLAIN, None) else None,
        facts={**opened.facts, "dimension": size, "index_precision": kind, "model_precision": named},
    )
