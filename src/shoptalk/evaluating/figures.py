"""What a table of queries says of each arm, and of each arm against the baseline."""

from typing import Any

import numpy as np
import polars as pl

from shoptalk import comparing
from shoptalk.retrieval.holm import holm
from shoptalk.retrieval.intervals import of_mean
from shoptalk.retrieval.metrics import MEASURES
from shoptalk.retrieval.significance import compare


def means(table: pl.DataFrame, split: str) -> dict[str, dict[str, Any]]:
    """Arm to its mean measures on one split, ``ci95`` of each, and ``n``."""
    rows = table.filter(pl.col("split") == split)
    told: dict[str, dict[str, Any]] = {}
    for (arm,), part in rows.group_by("arm", maintain_order=True):
        intervals = {name: list(of_mean(part[name].to_numpy())) for name in MEASURES}
        told[arm] = {**{name: float(part[name].mean()) for name in MEASURES}, "ci95": intervals, "n": part.height}
    return told


def over(table: pl.DataFrame, split: str, baseline: str) -> dict[str, dict[str, Any]]:
    """Every other arm to its nDCG@10 over the baseline's on one split, paired by query.

    As ``Difference.told``, with ``holm``, the p-value adjusted for all arms, which the verdict heeds, and the numbers
    of queries that it wins, ties and loses.
    """
    values = {arm: _values(table, split, arm) for arm in table.filter(split=split)["arm"].unique(maintain_order=True)}
    told = {}
    for arm, own in values.items():
        if arm != baseline:
            delta = own - values[baseline]
            counts = {"wins": int((delta > 0).sum()), "ties": int((delta == 0).sum()), "losses": int((delta < 0).sum())}
            told[arm] = compare(own, values[baseline]).told() | counts
    for arm, adjusted in zip(told, holm([one["p_value"] for one in told.values()]), strict=True):
        told[arm]["holm"] = adjusted
        if adjusted >= 0.05:
            told[arm]["verdict"] = "inconclusive"
    return told


def _values(table: pl.DataFrame, split: str, arm: str) -> np.ndarray:
    return table.filter(split=split, arm=arm)[comparing.HEADLINE].to_numpy()
