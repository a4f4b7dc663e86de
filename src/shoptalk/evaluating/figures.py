"""What a table of queries says of each arm, and of each arm against the baseline."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from shoptalk import comparing
from shoptalk.domain.judgments import Domain
from shoptalk.evaluating.choosing import Choice
from shoptalk.evaluating.measuring import Measured
from shoptalk.retrieval.holm import holm
from shoptalk.retrieval.intervals import of_mean
from shoptalk.retrieval.metrics import MEASURES
from shoptalk.retrieval.significance import compare


def content(
    domain: Domain, found: Measured, baseline: str, choice: Choice, first: str, left_out: Mapping[str, str]
) -> dict[str, Any]:
    """That of ``evaluation.json``; scores are fractions.

    Args:
        left_out: arm to why it was not even read.
    """
    table, facts = found.per_query, found.facts
    splits = table["split"].unique(maintain_order=True).to_list()
    notices = [*domain.notices, *(f"{arm}: {line}" for arm, told in facts.items() for line in told["notices"])]
    notices += [f"{arm} finds no judged document for any query of {first}." for arm in blind(table, first)]
    told = {
        "schema": 1,
        "corpus": domain.name,
        "documents": len(domain.corpus),
        "baseline": baseline,
        "chosen_on": "dev" if first == "dev" else None,
        "winner": choice.winner if first == "dev" else None,
        "arms": {arm: {key: value for key, value in told.items() if key != "notices"} for arm, told in facts.items()},
        **{split: means(table, split) for split in splits},
        "over_baseline": {split: over(table, split, baseline) for split in splits},
        "notices": notices,
    }
    told |= {"costs": {arm: cost.told() for arm, cost in found.costs.items()}} if found.costs else {}
    return told | ({"budget": _budget(table, first, choice, left_out)} if choice.barred or left_out else {})


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


def blind(table: pl.DataFrame, split: str) -> list[str]:
    """Arms that find no judged document for any query."""
    found = comparing.arm_means(table, split)
    return [arm for arm, told in found.items() if told["recall@100"] == 0]


def _budget(table: pl.DataFrame, split: str, choice: Choice, left_out: Mapping[str, str]) -> dict[str, Any]:
    """What a budget bars, and how the winner stands to the best of all; ``None`` where it is the best itself."""
    same = choice.winner in (None, choice.best)
    price = None if same else comparing.gain(table, split, choice.best, choice.winner).told()
    return {"barred": dict(choice.barred), "left_out": dict(left_out), "best": choice.best, "price": price,
            "missed": choice.missed}  # fmt: skip


def _values(table: pl.DataFrame, split: str, arm: str) -> np.ndarray:
    return table.filter(split=split, arm=arm)[comparing.HEADLINE].to_numpy()
