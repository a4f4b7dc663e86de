"""Mined negatives as a strategy would give them, written by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.negatives.mined import Mined
from shoptalk.reporting.negatives import Negatives
from shoptalk.reporting.negatives_truth import Truth

SCHEMA = {
    "query": pl.String, "doc_id": pl.String, "negatives": pl.List(pl.String), "scores": pl.List(pl.Float32),
    "probabilities": pl.List(pl.Float32), "ranks": pl.List(pl.Int32), "miners": pl.List(pl.String),
}  # fmt: skip
CONFIG = {"_target_": "x.y.Denoised", "max_probability": 0.1, "margin": None, "pick": {"_target_": "a.Top", "k": 2}}


def mined(rows: Sequence[Sequence[Any]], **more: Any) -> Mined:
    """``rows`` of query, document and the negatives, each (document, score, probability, rank, miner)."""
    columns: list[list[Any]] = [[] for _ in SCHEMA]
    for query, doc_id, negatives in rows:
        parts = [list(part) for part in zip(*negatives, strict=True)] or [[], [], [], [], []]
        if all(p is None for p in parts[2]):
            parts[2] = None
        for column, value in zip(columns, (query, doc_id, *parts), strict=True):
            column.append(value)
    return Mined(pl.DataFrame(dict(zip(SCHEMA, columns, strict=True)), schema=SCHEMA), **more)


def some(**more: Any) -> Mined:
    """Three pairs: two miners, one place filled, one negative of the user's."""
    rows = [
        ("red", "d0", [("d9", None, None, None, "given"), ("d1", 0.75, 0.02, 1, "ann"), ("d2", 9.5, 0.04, 4, "bm25")]),
        ("blue", "d1", [("d0", 0.5, 0.06, 2, "ann"), ("d3", 0.25, 0.08, 12, "ann")]),
        ("old", "d2", [("d4", None, None, None, "filled")]),
    ]
    numbers = {"seen": 30, "dropped": {"known positive": 3, "teacher": 12}, "filled": 1, "fallback": "random"}
    return mined(rows, **numbers, positive_scores=np.array([0.9, 0.7, 0.5], np.float32), **more)


def corpus(**passages: str) -> Corpus:
    """Ten documents, ``d0`` to ``d9``."""
    texts = [passages.get(f"d{i}", f"passage {i}") for i in range(10)]
    return Corpus([f"d{i}" for i in range(10)], [""] * 10, texts)


def pairs(found: Mined, *sources: str) -> pl.DataFrame:
    """The pairs of ``found``, each in every one of ``sources``."""
    both = [found.table.select("query", "doc_id", source=pl.lit(source)) for source in sources or ("labels",)]
    return pl.concat(both)


def told(found: Mined, truth: Truth | None = None, seed: int = 0, config: Mapping[str, Any] = CONFIG, **passages: str):
    """What a report tells of ``found``."""
    return Negatives.of(found, pairs(found), corpus(**passages), truth or Truth(), seed, config)
