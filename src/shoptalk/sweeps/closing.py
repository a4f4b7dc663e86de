"""A sweep's end: the best configuration and the default, trained again and read once on test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shoptalk.retrieval.significance import compare
from shoptalk.sweeps.composing import quoted
from shoptalk.sweeps.jobs import read
from shoptalk.sweeps.options import Options

MEASURE = "ndcg@10"
DEV = f"dev.adapted.{MEASURE}"
ARMS = ("best", "default")


def close(launcher: Any, options: Options, fixed: Sequence[str], folder: Path, best: Any, threads: list[str]) -> Any:
    """Train both arms with each seed, what is finished skipped, and compare them query by query.

    Trials were chosen by dev, so that their dev figures flatter; test was not seen by any of them.

    Returns:
        The content of ``closing.json``; ``None`` where there is no test, or a run failed.
    """
    own = {"best": best.user_attrs["overrides"], "default": []}
    lines, places = [], []
    for arm in ARMS:
        for seed in options.closing_seeds:
            place = f"closing/{arm}-{seed}"
            run = [f"seed={seed}", "run.closing=true", f"run.group={quoted(options.study)}"]
            lines.append([*fixed, *own[arm], *options.closing, *threads, *run, f"hydra.sweep.subdir={place}"])
            places.append(folder / place)
    for start in range(0, len(lines), options.batch):
        launcher.launch(lines[start : start + options.batch], initial_job_idx=0)
    if not all((place / "metrics.json").is_file() for place in places):
        return None
    return told(folder, options, best)


def told(folder: Path, options: Options, best: Any) -> dict[str, Any] | None:
    """What the finished runs say; ``None`` for a domain without test."""
    seeds = options.closing_seeds
    found = {arm: _arm(folder / "closing", arm, seeds) for arm in ARMS}
    if not all(arm["values"].size for arm in found.values()):
        return None
    difference = compare(*(found[arm].pop("values") for arm in ARMS))
    shown = best.values[0] if next(iter(options.objectives)) == DEV else found["best"]["dev"]
    return {
        "split": "test",
        "seeds": list(seeds),
        "best": {"trial": best.number, "overrides": best.user_attrs["overrides"], **found["best"]},
        "default": found["default"],
        "difference": asdict(difference) | {"verdict": difference.verdict},
        "optimism": shown - found["best"]["mean"],
    }


def _arm(folder: Path, arm: str, seeds: Sequence[int]) -> dict[str, Any]:
    means, columns, dev = {}, [], []
    for seed in seeds:
        place = folder / f"{arm}-{seed}"
        table = pl.read_parquet(place / "per_query.parquet").filter(split="test", arm="adapted").sort("query_id")
        columns.append(table[MEASURE].to_numpy())
        means[str(seed)] = float(columns[-1].mean()) if table.height else float("nan")
        dev.append(_dev(read(place / "metrics.json")))
    return {"means": means, "mean": float(np.mean(list(means.values()))), "dev": float(np.mean(dev)),
            "values": np.mean(columns, axis=0)}  # fmt: skip


def _dev(metrics: Mapping[str, Any]) -> float:
    return metrics.get("dev", {}).get("adapted", {}).get(MEASURE, float("nan"))


def sentences(closing: Mapping[str, Any], fidelity: str) -> list[str]:
    """The end of a sweep in words."""
    found = closing["difference"]
    best, default = closing["best"], closing["default"]
    seeds = len(closing["seeds"])
    small = f" The trials themselves were smaller ({fidelity})." if fidelity else ""
    return [
        f"On test, mean of {seeds} seeds: trial {best['trial']}'s configuration {best['mean']:.4f}, the default "
        f"{default['mean']:.4f}; difference {found['mean']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}], "
        f"p = {found['p_value']:.4f}, {found['n']} queries: {found['verdict']}.",
        f"Optimism: the sweep showed {closing['optimism'] + best['mean']:.4f} on dev, {closing['optimism']:+.4f} of it "
        f"more than test; the default's own dev is {default['dev'] - default['mean']:+.4f} over its test.{small}",
    ]
