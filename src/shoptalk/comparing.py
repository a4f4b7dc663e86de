"""Arms side by side on judged queries: per query first, then means, gains and slices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from shoptalk.arms.base import Search
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.holm import holm
from shoptalk.retrieval.judged import judged_share
from shoptalk.retrieval.metrics import DEPTH, means, per_query
from shoptalk.retrieval.power import smallest
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.significance import Difference, compare

HEADLINE = "ndcg@10"
SPLITS = ("dev", "test", "audit")
"""Those that measure; the later, the less it steered."""
JUDGED = "judged@10"

SHOWN, LONGEST = 10, 120
"""Documents kept per query, and characters of what stands for one."""
SMALL = 20
"""Fewer queries than these resolve nothing: a bootstrap over them is not to be trusted."""
RESAMPLES = 4999
"""For a slice; there are many."""

Found = Mapping[str, Mapping[str, Ranked]]
"""Split to arm to what it found."""


def judge(searches: Mapping[str, Search], splits: Mapping[str, Judged], corpus: Corpus) -> pl.DataFrame:
    """Every arm on every split: columns ``split``, ``arm``, ``query_id``, ``query``, the measures, the slices."""
    return scored(search_all(searches, splits, corpus), splits, corpus)


def search_all(searches: Mapping[str, Search], splits: Mapping[str, Judged], corpus: Corpus) -> Found:
    """What every arm finds for every split, as deep as the measures read."""
    depth = min(DEPTH, len(corpus))
    return {
        split: {arm: search(list(judged.texts), depth) for arm, search in searches.items()}
        for split, judged in splits.items()
    }


def scored(found: Found, splits: Mapping[str, Judged], corpus: Corpus) -> pl.DataFrame:
    """The table of ``judge``, from what was found."""
    tables = []
    for split, judged in splits.items():
        facts = [pl.Series("query", list(judged.texts), dtype=pl.String)]
        facts += [pl.Series(name, list(values), dtype=pl.String) for name, values in judged.columns.items()]
        for arm, ranked in found[split].items():
            scores = per_query(ranked, list(corpus.ids), judged)
            share = pl.Series(JUDGED, judged_share(ranked, corpus.ids, judged), nan_to_null=True)
            tables.append(scores.with_columns(share, *facts, split=pl.lit(split), arm=pl.lit(arm)))
    return pl.concat(tables, how="diagonal") if tables else pl.DataFrame(schema={"split": pl.String, "arm": pl.String})


def shown(found: Found, splits: Mapping[str, Judged], corpus: Corpus) -> pl.DataFrame:
    """The first ten documents per query, best first: lists ``doc_ids``, ``scores``, ``grades`` and ``titles``.

    They are the ten that the measures see: equal scores by document id, descending, as trec_eval has them. A grade is
    null where nobody judged; a title is the start of the text where a document has none.
    """
    kept = {"query_id": pl.String, "doc_ids": pl.List(pl.String), "scores": pl.List(pl.Float32),
            "grades": pl.List(pl.Int32), "titles": pl.List(pl.String)}  # fmt: skip
    tables = [pl.DataFrame(schema={"split": pl.String, "arm": pl.String, **kept})]
    for split, judged in splits.items():
        for arm, ranked in found[split].items():
            lines = zip(judged.ids, ranked.rows, ranked.scores, strict=True)
            rows = pl.DataFrame([_first(*line, judged, corpus) for line in lines], schema=kept, orient="row")
            tables.append(rows.select(pl.lit(split).alias("split"), pl.lit(arm).alias("arm"), pl.all()))
    return pl.concat(tables)


def _first(query_id: str, rows: np.ndarray, scores: np.ndarray, judged: Judged, corpus: Corpus) -> tuple[Any, ...]:
    kept, grades = np.flatnonzero(rows >= 0), judged.qrels.get(query_id) or {}
    kept = kept[scores[kept] >= scores[kept[:SHOWN]].min(initial=np.inf)]
    by_id = sorted(kept.tolist(), key=lambda place: corpus.ids[rows[place]], reverse=True)
    first = sorted(by_id, key=lambda place: -scores[place])[:SHOWN]
    ids = [corpus.ids[row] for row in rows[first]]
    titles = [(corpus.titles[row] or corpus.texts[row])[:LONGEST] for row in rows[first]]
    return query_id, ids, scores[first].tolist(), [grades.get(doc_id) for doc_id in ids], titles


def arm_means(table: pl.DataFrame, split: str) -> dict[str, dict[str, float]]:
    """Arm to its mean measures on one split."""
    rows = table.filter(pl.col("split") == split)
    return {arm: means(rows.filter(pl.col("arm") == arm)) for arm in rows["arm"].unique(maintain_order=True)}


def gain(table: pl.DataFrame, split: str, baseline: str, treated: str = "adapted") -> Difference:
    """nDCG@10 of ``treated`` over ``baseline``, paired by query."""
    return compare(values(table, split, treated), values(table, split, baseline))


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


def slice_gains(
    table: pl.DataFrame, split: str, columns: Sequence[str], baseline: str, treated: str = "adapted"
) -> dict[str, dict[str, dict[str, Any]]]:
    """Column to value to ``gain`` (``treated`` over ``baseline``), ``holm``, ``smallest`` and ``small``.

    ``holm`` is the gain's p-value corrected for all slices of the split. ``smallest`` is the difference that so many
    queries show with 80 % power, ``None`` where nothing can be said. ``small`` marks slices that resolve too little:
    fewer than ``SMALL`` queries, or an inconclusive gain where ``smallest`` lies above the gain over all queries.
    """
    rows = table.filter(pl.col("split") == split)
    whole = abs(float((values(table, split, treated) - values(table, split, baseline)).mean())) if rows.height else 0.0
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for column in columns:
        known = rows.filter(pl.col(column).is_not_null())
        for (value,), part in sorted(known.group_by(column, maintain_order=True), key=lambda item: item[0]):
            found.setdefault(column, {})[value] = _slice(part, split, baseline, treated, whole)
    cells = [cell for parts in found.values() for cell in parts.values()]
    for cell, adjusted in zip(cells, holm([cell["gain"]["p_value"] for cell in cells]), strict=True):
        cell["holm"] = adjusted
    return found


def _slice(part: pl.DataFrame, split: str, baseline: str, treated: str, whole: float) -> dict[str, Any]:
    own, base = values(part, split, treated), values(part, split, baseline)
    least, gained = smallest(deviation(own, base), len(own)), compare(own, base, RESAMPLES)
    unclear = gained.verdict == "inconclusive" and (least is None or least > whole)
    return {"gain": gained.told(), "smallest": least, "small": len(own) < SMALL or unclear}


def deviation(treated: np.ndarray, baseline: np.ndarray) -> float:
    """Standard deviation of the paired differences; 0 for fewer than two."""
    return float(np.std(treated - baseline, ddof=1)) if len(treated) > 1 else 0.0


def values(table: pl.DataFrame, split: str, arm: str) -> np.ndarray:
    """An arm's nDCG@10 per query of a split, in the table's order: float64 [n]."""
    rows = table.filter((pl.col("split") == split) & (pl.col("arm") == arm))
    return rows[HEADLINE].to_numpy()
