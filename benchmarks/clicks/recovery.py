"""Are propensities found again? Mean relative error of theta at ranks 2 to 10 on SIMULATED logs.

Searchers of the recovery world look at rank k with the chance 1/k and click what they look at with .1 or 1. The
ratio of click rates (naive), PBM by EM, the adjacent chain and AllPairs are each scaled to rank 1 and compared
with 1/k. Where an estimator refuses, its sentence is shown.

With --log the same for a canonical Parquet log that was simulated with theta = 1/k, read and cleaned as the click
source does.

    python benchmarks/clicks/recovery.py [--seeds 5] [--log FILE]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from common import CONSOLE, parser, read_log, simulated, summary, told, write
from rich.table import Table

from shoptalk.errors import InputError
from shoptalk.sources.clicks.diagnosis import click_rates
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.em import PositionEM
from shoptalk.sources.clicks.propensity.intervention import AdjacentChain, AllPairs
from shoptalk.sources.clicks.simulation.click_models import PositionBased

SIZES = ((1, 100_000), (2, 100_000), (3, 10_000), (3, 100_000), (5, 10_000), (5, 1_000_000))
ESTIMATORS = {"PositionEM": PositionEM(), "AdjacentChain": AdjacentChain(), "AllPairs": AllPairs()}
ASKED = (
    (3, 100_000, "AllPairs", 0.05),
    (3, 100_000, "PositionEM", 0.14),
    (5, 1_000_000, "AllPairs", 0.03),
    (5, 1_000_000, "PositionEM", 0.03),
)
"""Rankers, sessions, estimator, largest error."""


def relative_error(theta: np.ndarray) -> float:
    """Mean relative error of ``theta`` [ranks] against 1/k at ranks 2 and below, both scaled to rank 1."""
    true = 1 / np.arange(1, len(theta) + 1)
    return float((np.abs(theta / theta[0] - true) / true)[1:].mean())


def errors(observed: Observed) -> dict[str, float | str]:
    """Per estimator its error, or the sentence it refuses with."""
    found: dict[str, float | str] = {"naive": relative_error(click_rates(observed)["ctr"].to_numpy())}
    for name, estimator in ESTIMATORS.items():
        try:
            found[name] = relative_error(estimator.estimate(observed).theta)
        except InputError as error:
            found[name] = str(error)
    return found


def measure(sizes: Sequence[tuple[int, int]], seeds: int) -> list[dict]:
    """Per size and estimator ``rankers, sessions, estimator``, mean, sd and values of the error over the seeds that
    gave one (``None`` if none did), and the distinct ``refusals``."""
    figures = []
    for rankers, sessions in sizes:
        found = [errors(simulated(PositionBased(), rankers, sessions, seed)[2]) for seed in range(seeds)]
        for name in found[0]:
            values = [f[name] for f in found]
            numbers = [v for v in values if not isinstance(v, str)]
            refusals = sorted({v for v in values if isinstance(v, str)})
            figures.append(
                {"rankers": rankers, "sessions": sessions, "estimator": name, "refused": seeds - len(numbers)}
                | {"error": summary(numbers) if numbers else None, "refusals": refusals}
            )
    return figures


def judge(figures: list[dict]) -> list[dict]:
    """What was asked and what was found, for the sizes that were measured."""
    found = {(f["rankers"], f["sessions"], f["estimator"]): f["error"] for f in figures}
    told = [{"rankers": r, "sessions": s, "estimator": e, "asked": a} for r, s, e, a in ASKED if found.get((r, s, e))]
    for row in told:
        row["error"] = found[row["rankers"], row["sessions"], row["estimator"]]["mean"]
        row["met"] = row["error"] <= row["asked"]
    return told


def measure_log(path: Path) -> dict:
    """Errors on a canonical log with theta = 1/k, and how many rows of it counted."""
    found = read_log(path)
    return {"log": path.name, "removed": found.removed, "errors": errors(found.observed())}


def show(figures: list[dict], seeds: int) -> None:
    """The table of all sizes, the refusals, and what was asked."""
    names = list(dict.fromkeys(f["estimator"] for f in figures))
    table = Table(title=f"SIMULATED: mean relative error of theta, ranks 2-10 (mean ± sd of {seeds} seeds)")
    for column in ("rankers", "sessions", *names):
        table.add_column(column, justify="right")
    for rankers, sessions in dict.fromkeys((f["rankers"], f["sessions"]) for f in figures):
        cells = {f["estimator"]: _cell(f) for f in figures if (f["rankers"], f["sessions"]) == (rankers, sessions)}
        table.add_row(str(rankers), f"{sessions:,}", *(cells[name] for name in names))
    CONSOLE.print(table)
    for sentence in dict.fromkeys(s for f in figures for s in f["refusals"]):
        CONSOLE.print(f"Refused: {sentence}")
    verdict = Table(title="SIMULATED: asked and found")
    for column in ("rankers", "sessions", "estimator", "asked", "found", "met"):
        verdict.add_column(column, justify="right")
    for row in judge(figures):
        size = str(row["rankers"]), f"{row['sessions']:,}", row["estimator"]
        verdict.add_row(*size, f"<= {row['asked']}", f"{row['error']:.4f}", "yes" if row["met"] else "NO")
    if verdict.row_count:
        CONSOLE.print(verdict)


def _cell(figure: dict) -> str:
    if figure["error"] is None:
        return "refused"
    return told(figure["error"]) + (f" ({figure['refused']} refused)" if figure["refused"] else "")


def show_log(found: dict) -> None:
    """One row for the log."""
    table = Table(title=f"SIMULATED: mean relative error of theta from {found['log']} (one log, no sd)")
    for column in ("rows", "votes", *found["errors"]):
        table.add_column(column, justify="right")
    cells = [e if isinstance(e, str) else f"{e:.3f}" for e in found["errors"].values()]
    table.add_row(f"{found['removed']['rows']:,}", f"{found['removed']['votes']:,}", *cells)
    CONSOLE.print(table)


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    figures = measure(SIZES, chosen.seeds)
    show(figures, chosen.seeds)
    written = {"pool": figures, "asked": judge(figures)}
    if chosen.log is not None:
        written["log"] = measure_log(chosen.log)
        show_log(written["log"])
    write(written, chosen.out, "recovery")


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--log", type=Path, help="a canonical Parquet log simulated with theta = 1/k")
    main(options.parse_args())
