"""Arms side by side on judged queries: per query first, then means, gains and slices."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from shoptalk.arms.base import Search
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.metrics import DEPTH, means, per_query
from shoptalk.retrieval.significance import Difference, compare

HEADLINE = "ndcg@10"


def judge(searches: Mapping[str, Search], splits: Mapping[str, Judged], corpus: Corpus) -> pl.DataFrame:
    """Every arm on every split: columns ``split``, ``arm``, ``query_id``, ``query``, the measures, the slices."""
    depth = min(DEPTH, len(corpus))
    tables = []
    for split, judged in splits.items():
        facts = [pl.Series("query", list(judged.texts), dtype=pl.String)]
        facts += [pl.Series(name, list(values), dtype=pl.String) for name, values in judged.columns.items()]
        for arm, search in searches.items():
            scores = per_query(search(list(judged.texts), depth), list(corpus.ids), judged)
            tables.append(scores.with_columns(*facts, split=pl.lit(split), arm=pl.lit(arm)))
    return pl.concat(tables, how="diagonal")


def arm_means(table: pl.DataFrame, split: str) -> dict[str, dict[str, float]]:
    """Arm to its mean measures on one split."""
    rows = table.filter(pl.col("split") == split)
    return {arm: means(rows.filter(pl.col("arm") == arm)) for arm in rows["arm"].unique(maintain_order=True)}


def gain(table: pl.DataFrame, split: str, baseline: str, treated: str = "adapted") -> Difference:
    """nDCG@10 of ``treated`` over ``baseline``, paired by query."""
    return compare(_values(table, split, treated), _values(table, split, baseline))


def slices(table: pl.DataFrame, split: str, columns: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Column to value to ``n`` and each arm's nDCG@10; queries without a value stand in no slice."""
    rows = table.filter(pl.col("split") == split)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for column in columns:
        known = rows.filter(pl.col(column).is_not_null())
        for (value,), part in sorted(known.group_by(column), key=lambda item: item[0]):
            arms = {arm: float(cell[HEADLINE].mean()) for (arm,), cell in part.group_by("arm", maintain_order=True)}
            found.setdefault(column, {})[value] = {"n": part["query_id"].n_unique(), **arms}
    return found


def _values(table: pl.DataFrame, split: str, arm: str) -> np.ndarray:
    rows = table.filter((pl.col("split") == split) & (pl.col("arm") == arm))
    return rows[HEADLINE].to_numpy()
