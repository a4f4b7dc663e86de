"""Per-query metrics as trec_eval defines them."""

import polars as pl
import pytrec_eval

from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.ranked import Ranked

MEASURES = {"ndcg@10": "ndcg_cut_10", "recall@100": "recall_100", "mrr@10": "recip_rank"}
"""Our name to trec_eval's. ``mrr@10`` is ``recip_rank``, zero where the first hit lies below rank 10."""

DEPTH = 100
"""Results per query that the measures read."""


def per_query(ranked: Ranked, doc_ids: list[str], judged: Judged) -> pl.DataFrame:
    """One row per query of ``judged``, in order: ``query_id`` and the measures, fractions in [0, 1].

    nDCG has linear gain and breaks ties by trec_eval's own rule (document id, descending). A query
    with no result, or with no document graded above 0, counts as 0.
    """
    run = {
        query_id: {doc_ids[r]: float(s) for r, s in zip(rows, scores, strict=True) if r >= 0}
        for query_id, rows, scores in zip(judged.ids, ranked.rows, ranked.scores, strict=True)
    }
    qrels = {q: {d: int(g) for d, g in judged.qrels.get(q, {}).items()} for q in judged.ids}
    found = pytrec_eval.RelevanceEvaluator(
        {q: row for q, row in qrels.items() if row}, {"ndcg_cut.10", "recall.100", "recip_rank"}
    ).evaluate({q: row for q, row in run.items() if row})
    columns = {ours: [found.get(q, {}).get(theirs, 0.0) for q in judged.ids] for ours, theirs in MEASURES.items()}
    columns["mrr@10"] = [value if value > 0.0999 else 0.0 for value in columns["mrr@10"]]
    return pl.DataFrame({"query_id": list(judged.ids), **columns})


def means(table: pl.DataFrame) -> dict[str, float]:
    """Mean of each measure over the queries of a ``per_query`` table."""
    return {name: float(table[name].mean() or 0.0) for name in MEASURES}
