"""What a small run would tell, without running it."""

import numpy as np
import polars as pl

from shoptalk.reporting import results


def table(lift: float, n: int = 80) -> pl.DataFrame:
    random = np.random.default_rng(0)
    base = random.uniform(0.2, 0.6, n)
    arms = {"bm25": base, "zero_shot": base + 0.01, "adapted": base + lift + random.normal(0, 0.05, n)}
    return pl.concat(
        pl.DataFrame({
            "split": "dev", "arm": arm, "query_id": [f"q{i}" for i in range(n)], "ndcg@10": values,
            "recall@100": values, "mrr@10": values, "kind": ["x" if i % 2 else None for i in range(n)],
        })
        for arm, values in arms.items()
    )  # fmt: skip


def metrics(lift: float) -> dict:
    mixing = {
        "asked": {"labels": 1.0},
        "drawn": {"labels": 1.0},
        "share_of_loss": {"labels": 1.0},
        "pairs": {"labels": 3},
    }
    found = results.measured(table(lift), {"dev": ["kind"]})
    return {"corpus": "smoke-3000", "mixing": mixing, "notices": [], **found}
