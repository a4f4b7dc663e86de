"""Folders of finished runs, made by hand."""

import json
from pathlib import Path

import polars as pl
import yaml
from told_metrics import metrics, table

HOSTILE = "<script>alert(1)</script> | `x` [a](javascript:1) *b* $c$ \u202eabc\u202c 🦴 \"'"
NEGATIVES = {"seen": 30, "kept": 12, "filled": 1, "dropped": {"teacher": 7}, "miners": {"ann": 12}, "median_rank": 3.0,
             "false_negatives": {"rate": 0.125}}  # fmt: skip


def finished(folder: Path, lift: float = 0.2, name: str = "first", query: str = "fridge hums", **more) -> Path:
    """A run whose every query is ``query`` and a number, and whose adapted model scores ``lift`` above the others."""
    told = {
        **metrics(lift), "run": name, "corpus": "manuals", "corpus_digest": "abc", "documents": 60, "seed": 0,
        "negatives": NEGATIVES, "domain": {"queries": 80, "documents": 60}, "notices": ["Dev was carved out."],
        "sources": {"labels": {"rows": 5, "copies": 2, "pairs": 3}}, "teacher": {"auc": 0.9044, "queries": 100}, **more,
    }  # fmt: skip
    told["mixing"] |= {"draws": 64}
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(told))
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": {"name": name}, "seed": 0, "run": {"name": name}}))
    texts = pl.concat_str(pl.lit(f"{query} "), pl.col("query_id"))
    table(lift).with_columns(query=texts).write_parquet(folder / "per_query.parquet")
    return folder
