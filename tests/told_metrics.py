"""What a small run would tell, without running it."""

import numpy as np
import polars as pl

from shoptalk.reporting import results
from shoptalk.reporting.environment import environment
from shoptalk.reporting.report import Evidence

TITLES = tuple(f"title {i}" for i in range(12))


def table(lift: float, n: int = 80, split: str = "dev") -> pl.DataFrame:
    random = np.random.default_rng(0)
    base = random.uniform(0.2, 0.6, n)
    arms = {"bm25": base, "zero_shot": base + 0.01, "adapted": base + lift + random.normal(0, 0.05, n)}
    return pl.concat(
        pl.DataFrame({
            "split": split, "arm": arm, "query_id": [f"q{i}" for i in range(n)],
            "query": [f"query {i}" for i in range(n)],
            "ndcg@10": values, "recall@100": values, "mrr@10": values, "judged@10": [0.1] * n,
            "kind": ["x" if i % 2 else None for i in range(n)],
        })
        for arm, values in arms.items()
    )  # fmt: skip


def ranked(per_query: pl.DataFrame, titles: tuple[str, ...] = TITLES) -> pl.DataFrame:
    """The first ten documents of every row of ``per_query``; d0 is judged, and adapted finds them reversed."""
    numbers = [list(range(10))[:: -1 if arm == "adapted" else 1] for arm in per_query["arm"]]
    return per_query.select("split", "arm", "query_id").with_columns(
        doc_ids=pl.Series([[f"d{i}" for i in row] for row in numbers]),
        scores=pl.Series([[1 - rank / 10 for rank in range(10)]] * len(numbers), dtype=pl.List(pl.Float32)),
        grades=pl.Series([[2 if i == 0 else None for i in row] for row in numbers], dtype=pl.List(pl.Int32)),
        titles=pl.Series([[titles[i] for i in row] for row in numbers]),
    )


def metrics(lift: float, splits: tuple[str, ...] = ("dev",)) -> dict:
    mixing = {
        "asked": {"labels": 1.0},
        "drawn": {"labels": 1.0},
        "share_of_loss": {"labels": 1.0},
        "pairs": {"labels": 3},
        "draws": 64,
    }
    per_query = pl.concat(table(lift, split=split) for split in splits)
    found = results.measured(per_query, {split: ["kind"] for split in splits})
    content = {"corpus": "phenotypes (smoke-3000)", "mixing": mixing, "notices": [], **found}
    content["judged"] = {
        split: {"documents": 12.0, "arms": dict.fromkeys(("bm25", "zero_shot", "adapted"), 0.1), "warnings": []}
        for split in splits
    }
    return content | results.shipped(content, per_query)


def whole(lift: float = 0.2, splits: tuple[str, ...] = ("dev", "test"), **changed) -> dict:
    """All of ``metrics.json`` that pages read."""
    content = {
        **metrics(lift, splits), "documents": 10, "run": "r", "seed": 0, "steps": 3, "dev_pool": {"5": 0.5, "10": 0.6},
        "sources": {"labels": {"rows": 5, "kept": 3}}, "domain": {"queries": 80}, "seconds": {"fit": 1.0, "total": 2.0},
        "threads": 1, "precision": "32-true", "environment": environment(), **changed,
    }  # fmt: skip
    return {name: value for name, value in content.items() if value is not None}


def evidence(lift: float = 0.2, splits: tuple[str, ...] = ("dev", "test"), n: int = 80) -> Evidence:
    """What a page shows beyond the metrics of ``whole``."""
    per_query = pl.concat(table(lift, n, split) for split in splits)
    return Evidence(per_query, ranked(per_query), {"model": {"name": "some/model"}, "seed": 0})
