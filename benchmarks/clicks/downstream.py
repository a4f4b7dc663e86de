"""What propensities change in the end: nDCG@10 on phenotypes' audit queries by arm.

Two SIMULATED logs of the embedded domain, which differ in position bias alone: eta=1 (a look at rank k has the
chance 1/k) and eta=0 (every rank is looked at). The pipeline is the same for every arm but for the propensities:
    raw         clicks as they are (propensity=none)
    estimated   AllPairs from the log (propensity=all_pairs)
    true        those the log was simulated with (propensity=given)
    permuted    the true ones in a random order of ranks
Every arm trains on DRAWS draws from its best PAIRS pairs by the bound, so that none has more than another.
Finished runs are skipped.

    python benchmarks/clicks/downstream.py [--eta 0 1] [--out FOLDER] [--cache FOLDER] [--workers N]
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from shoptalk.configs import root
from shoptalk.retrieval.significance import compare

PAIRS, DRAWS, SEEDS = 3_000, 3_200, (0, 1, 2)
TRUE = [1 / k for k in range(1, 11)]


def propensity(arm: str, eta: int, seed: int) -> list[str]:
    """The overrides of one arm."""
    if arm == "raw":
        return ["propensity=none"]
    if arm == "estimated":
        return ["propensity=all_pairs"]
    theta = np.array(TRUE) ** eta
    if arm == "permuted":
        theta = np.random.default_rng(seed).permutation(theta)
    return ["propensity=given", f"propensity.theta=[{','.join(f'{t:.6f}' for t in theta)}]"]


ARMS = {1: ("raw", "estimated", "true", "permuted"), 0: ("raw", "estimated")}


def simulated(out: Path, cache: Path, eta: int) -> Path:
    """The log with this bias, written once."""
    folder = out / f"log-eta{eta}"
    if not (folder / "log").exists():
        subprocess.run(
            [sys.executable, "-m", "shoptalk.simulate", "domain=phenotypes", f"world.click_model.eta={eta}",
             f"out={folder}", f"cache.root={cache}"], check=True, cwd=root(),
        )  # fmt: skip
    return folder / "log"


def run(out: Path, cache: Path, threads: int, log: Path, eta: int, arm: str, seed: int) -> Path:
    """One training run, unless it is there."""
    folder = out / f"eta{eta}-{arm}-s{seed}"
    if not (folder / "metrics.json").exists():
        overrides = [
            "data=clicks", "negatives=in_batch", f"seed={seed}", f"data.sources.clicks.log={log}", f"run.dir={folder}",
            "data.sources.clicks.position_base=1", "data.sources.clicks.selection.min_score=null",
            f"data.sources.clicks.selection.max_pairs={PAIRS}", "data.sources.clicks.chains.users=null",
            "evaluation.audit=true", f"trainer.pairs={DRAWS}", "logger=csv", "run.progress=false",
            f"cache.root={cache}", f"threads={threads}", "trainer.looks=1",
            *propensity(arm, eta, seed),
        ]  # fmt: skip
        subprocess.run([sys.executable, "train.py", *overrides], check=True, cwd=root())
    return folder


def audit(folders: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """nDCG@10 of zero-shot and adapted by audit query, the latter as the mean over seeds."""
    columns = []
    for folder in folders:
        table = pl.read_parquet(folder / "per_query.parquet").filter(split="audit").sort("query_id")
        columns.append([table.filter(arm=arm)["ndcg@10"].to_numpy() for arm in ("zero_shot", "adapted")])
    zero, adapted = np.array(columns).mean(axis=0)
    return zero, adapted


def purity(folder: Path, truth: Path) -> float:
    """Share of true pairs among those trained on."""
    from shoptalk.reporting.simulation import purity as share

    return share(pl.read_parquet(folder / "pairs.parquet"), pl.read_parquet(truth))


def main() -> None:
    """Run what is missing, then print one table per log."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=root() / "outputs" / "benchmarks" / "clicks_downstream")
    parser.add_argument("--cache", type=Path, default=root() / "outputs" / "cache")
    parser.add_argument("--eta", type=int, nargs="+", choices=ARMS, default=list(ARMS), help="which of the logs")
    parser.add_argument("--workers", type=int, default=2, help="runs side by side, which share the cores out")
    chosen = parser.parse_args()
    chosen_arms = {eta: ARMS[eta] for eta in chosen.eta}
    logs = {eta: simulated(chosen.out, chosen.cache, eta) for eta in chosen_arms}
    threads = max(1, (os.cpu_count() or 1) // chosen.workers)
    # Every arm once before any of them twice.
    wanted = [(eta, arm, seed) for seed in SEEDS for eta, arms in chosen_arms.items() for arm in arms]
    with ThreadPoolExecutor(chosen.workers) as pool:
        started = [pool.submit(run, chosen.out, chosen.cache, threads, logs[e], e, a, s) for e, a, s in wanted]
        folders = [future.result() for future in started]
    found = {}
    for (eta, arm, _), folder in zip(wanted, folders, strict=True):
        found.setdefault((eta, arm), []).append(folder)
    for eta, arms in chosen_arms.items():
        _print(chosen.out, eta, {arm: found[eta, arm] for arm in arms})


def _print(out: Path, eta: int, runs: dict[str, list[Path]]) -> None:
    truth = out / f"log-eta{eta}" / "truth" / "truth.parquet"
    scores = {arm: audit(folders) for arm, folders in runs.items()}
    table = Table(title=f"phenotypes audit, SIMULATED clicks, eta={eta}, {len(SEEDS)} seeds, {PAIRS:,} pairs an arm")
    for column in ("arm", "purity", "nDCG@10", "over zero-shot", "over raw", "p"):
        table.add_column(column, justify="right")
    for arm, (zero, adapted) in scores.items():
        pure = np.mean([purity(folder, truth) for folder in runs[arm]])
        gain, over = compare(adapted, zero), compare(adapted, scores["raw"][1])
        told = ["", ""] if arm == "raw" else [_interval(over), f"{over.p_value:.4f}"]
        table.add_row(arm, f"{pure:.3f}", f"{adapted.mean():.4f}", _interval(gain), *told)
    Console(width=120).print(table)
    figures = {arm: float(adapted.mean()) for arm, (_, adapted) in scores.items()}
    (out / f"eta{eta}.json").write_text(json.dumps(figures))


def _interval(difference) -> str:
    return f"{difference.mean:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"


if __name__ == "__main__":
    main()
