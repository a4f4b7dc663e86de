"""Which score finds relevant pairs? Purity of the best 500 pairs of SIMULATED logs, with theta = 1/k.

Three rankers of the recovery world; a look becomes a click with .1 or 1 (low noise), .3 or .7 (high). Scores use
theta by AllPairs from the same log, and the true theta beside it. Two kinds of support: none, where every pair
shown competes, and pairs with at least 10 impressions only. "Any click" is the share of relevant pairs among all
clicked pairs with this support, however many. "Best possible" is what a score that knows the truth would reach.

With --log and --truth the same for a canonical Parquet log that was simulated with theta = 1/k, read and cleaned as
the click source does, with the best 500 and 3,000 pairs.

    python benchmarks/clicks/purity.py [--seeds 5] [--log FILE --truth FILE]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from common import CONSOLE, NOISE, best, parser, read_log, simulated, summary, told, truth, write
from rich.table import Table

from shoptalk.domain.text import normalise
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.propensity.regression import pairs_of
from shoptalk.sources.clicks.relevance import (
    ClicksOverExpected,
    ClickThroughRate,
    Evidence,
    GammaLowerBound,
    InversePropensity,
    PosteriorLowerBound,
    SelfNormalised,
)
from shoptalk.sources.clicks.simulation.click_models import PositionBased

RANKERS, SESSIONS, TOP = 3, (10_000, 100_000), 500
SUPPORT = {"none": 0, ">= 10 shown": 10}
THETA = {"estimated": AllPairs(), "true": Given(eta=1)}
SCORES = {
    "CTR": ClickThroughRate(),
    "mean(c/theta) (IPS)": InversePropensity(),
    "SNIPS": SelfNormalised(),
    "COEC": ClicksOverExpected(),
    "GammaLowerBound": GammaLowerBound(),
    "PosteriorLowerBound": PosteriorLowerBound(),
}
ASKED = {"low": 0.95, "high": 0.60}
"""Least purity of the lower bounds at 10,000 sessions; and above CTR's."""


def purities(noise: str, sessions: int, seed: int, top: int) -> dict[tuple[str, str, str], float]:
    """By score, support and theta the purity; ``pairs``: how many have the support; ``best possible``: the purity if
    every relevant one of these were chosen first."""
    low, high = NOISE[noise]
    lists, _, observed = simulated(PositionBased(noise_click=low, sure_click=high), RANKERS, sessions, seed)
    found = {}
    for theta, estimator in THETA.items():
        evidence = Evidence.of(observed, estimator.estimate(observed))
        pairs = pairs_of(observed).with_columns(clicks=evidence.clicks)
        relevant, shown = truth(lists, pairs), evidence.total(evidence.shown)
        scores = {name: score.score(evidence) for name, score in SCORES.items()}
        for support, least in SUPPORT.items():
            kept = shown >= least
            found["pairs", support, theta] = int(kept.sum())
            found["best possible", support, theta] = min(1.0, relevant[kept].sum() / min(top, kept.sum()))
            found["any click", support, theta] = relevant[kept & (evidence.clicks > 0)].mean()
            for name, score in scores.items():
                chosen = best(pairs.filter(kept), score[kept], top)
                found[name, support, theta] = relevant[kept][chosen].mean()
    return found


def measure(noises: Sequence[str], sessions: Sequence[int], seeds: int, top: int = TOP) -> list[dict]:
    """Per noise and size ``purity``: by score, support and theta (joined by ``|``) a summary over seeds."""
    figures = []
    for size in sessions:
        for noise in noises:
            found = [purities(noise, size, seed, top) for seed in range(seeds)]
            spread = {"|".join(key): summary([f[key] for f in found]) for key in found[0]}
            figures.append({"noise": noise, "sessions": size, "top": top, "purity": spread})
    return figures


def measure_log(log: Path, truth_path: Path, tops: Sequence[int] = (500, 3_000)) -> dict[str, dict[int, float]]:
    """By score and size of the top the purity on one log, theta by AllPairs; every pair shown competes."""
    found = read_log(log)
    observed = found.observed()
    evidence = Evidence.of(observed, AllPairs().estimate(observed))
    pairs = (
        pairs_of(observed).with_columns(clicks=evidence.clicks).join(found.queries, "query_id", maintain_order="left")
    )
    table = pl.read_parquet(truth_path)
    true = set(zip(map(normalise, table["query"]), table["doc_id"], strict=True))
    relevant = np.array([pair in true for pair in pairs.select("query", "doc_id").iter_rows()])
    figures = {"any click": dict.fromkeys(tops, float(relevant[evidence.clicks > 0].mean()))}
    for name, score in SCORES.items():
        scores = score.score(evidence)
        figures[name] = {top: float(relevant[best(pairs, scores, top)].mean()) for top in tops}
    return figures


def show_log(log: Path, figures: dict[str, dict[int, float]]) -> None:
    """One row per score."""
    table = Table(title=f"SIMULATED {log.name}: purity")
    table.add_column("score")
    for top in figures["any click"]:
        table.add_column(f"top {top:,}", justify="right")
    for name, row in figures.items():
        table.add_row(name, *(f"{value:.3f}" for value in row.values()))
    CONSOLE.print(table)


def judge(figures: list[dict]) -> list[dict]:
    """For both bounds with estimated theta at 10,000 sessions: asked, found, CTR's, what is possible, and whether
    both are met."""
    rows = []
    for figure in (f for f in figures if f["sessions"] == SESSIONS[0]):
        for support in SUPPORT:
            for name in ("GammaLowerBound", "PosteriorLowerBound"):
                found, ctr, most = (
                    figure["purity"][f"{n}|{support}|estimated"]["mean"] for n in (name, "CTR", "best possible")
                )
                asked = ASKED[figure["noise"]]
                row = {"noise": figure["noise"], "support": support, "score": name, "asked": asked, "found": found}
                rows.append(row | {"ctr": ctr, "possible": most, "met": bool(found >= asked and found > ctr)})
    return rows


def show(figures: list[dict], seeds: int) -> None:
    """A table per noise and size, and what was asked."""
    for figure in figures:
        low, high = NOISE[figure["noise"]]
        title = f"SIMULATED, {figure['noise']} noise ({low}, {high}), {figure['sessions']:,} sessions: purity of the "
        table = Table(title=f"{title}top {figure['top']} (mean ± sd of {seeds} seeds)")
        table.add_column("score")
        for support in SUPPORT:
            for theta in THETA:
                table.add_column(f"support {support}:\n{theta} theta", justify="right")
        for name in ("any click", *SCORES, "best possible"):
            cells = [told(figure["purity"][f"{name}|{s}|{t}"]) for s in SUPPORT for t in THETA]
            table.add_row(name, *cells)
        pairs = [f"{figure['purity'][f'pairs|{s}|{t}']['mean']:,.0f}" for s in SUPPORT for t in THETA]
        table.add_row("pairs to choose from", *pairs)
        CONSOLE.print(table)
    verdict = Table(title=f"SIMULATED, {SESSIONS[0]:,} sessions, estimated theta: asked of the lower bounds")
    for column in ("noise", "support", "score", "asked", "found", "CTR", "best possible", "met"):
        verdict.add_column(column)
    for row in judge(figures):
        numbers = f">= {row['asked']}", *(f"{row[name]:.3f}" for name in ("found", "ctr", "possible"))
        verdict.add_row(row["noise"], row["support"], row["score"], *numbers, "yes" if row["met"] else "NO")
    CONSOLE.print(verdict)


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    figures = measure(tuple(NOISE), SESSIONS, chosen.seeds)
    show(figures, chosen.seeds)
    written = {"purity": figures, "asked": judge(figures)}
    if chosen.log is not None:
        written["log"] = measure_log(chosen.log, chosen.truth)
        show_log(chosen.log, written["log"])
    write(written, chosen.out, "purity")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--log", type=Path, help="a canonical Parquet log simulated with theta = 1/k")
    options.add_argument("--truth", type=Path, help="and its truth")
    main(options.parse_args())
