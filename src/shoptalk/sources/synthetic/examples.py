"""Which real queries a prompt shows: those of a form, typical of it and unlike one another."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from shoptalk.cache import digest

_MOST = 1000
"""Candidates, drawn by hash from half of what there is: so other draws show other examples."""


def diverse(vectors: np.ndarray, count: int, balance: float = 0.5) -> list[int]:
    """Rows of ``vectors`` by maximal marginal relevance (Carbonell and Goldstein 1998), the first the most central.

    Args:
        vectors: float [n, d], rows of length 1.
        count: how many rows, or all there are.
        balance: weight of nearness to the mean against distance to what is chosen, in [0, 1].
    """
    central, chosen = vectors @ vectors.mean(axis=0), []
    nearest = np.full(len(vectors), -np.inf)
    for _ in range(min(count, len(vectors))):
        novel = np.where(np.isneginf(nearest), 0.0, nearest)
        value = balance * central - (1 - balance) * novel
        value[chosen] = -np.inf
        best = int(value.argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return chosen


def drawn(real: pl.DataFrame, form: str | None, embed, count: int, seed: Sequence[int | str]) -> pl.DataFrame:
    """At most ``count`` rows of ``real`` that prompts of ``form`` show, all different queries.

    Of a form with fewer queries than ``count`` all are taken and other forms fill up; ``None`` takes any form.
    """
    real = real.unique("query", keep="first", maintain_order=True)
    order = np.argsort([digest(*seed, query) for query in real["query"]])
    real = real[order.tolist()]
    fitting = real if form is None else real.filter(query_form=form)
    chosen = _chosen(fitting, embed, count)
    if chosen.height < count and form is not None:
        others = real.filter(pl.col("query_form") != form)
        chosen = pl.concat([chosen, _chosen(others, embed, count - chosen.height)])
    return chosen


def _chosen(real: pl.DataFrame, embed, count: int) -> pl.DataFrame:
    candidates = real.head(max(count, min(_MOST, real.height // 2)))
    if not count or candidates.is_empty():
        return candidates.clear()
    return candidates[diverse(embed(candidates["query"].to_list(), "query"), count)]
