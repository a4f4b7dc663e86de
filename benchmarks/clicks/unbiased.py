"""Where ranks are not biased, does the click source leave them alone? SIMULATED searchers who look at every rank.

With eta = 0 the true theta is 1 everywhere. AllPairs estimates it with 95 % intervals from a bootstrap over queries;
counted are the ranks whose interval holds 1 (rank 1 is 1 by definition), each by itself and with the nine intervals
below rank 1 widened to hold at once. Then the purity of the best 500 pairs by the gamma bound, with propensities by
AllPairs and without: correcting what needs no correction must not cost anything.

    python benchmarks/clicks/unbiased.py [--seeds 5]
"""

import argparse
from collections.abc import Sequence

import numpy as np
from common import CONSOLE, best, parser, simulated, summary, told, truth, write
from rich.table import Table

from shoptalk.sources.clicks.curves import Curve, curves
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.examination import Examination
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.propensity.none import NoCorrection
from shoptalk.sources.clicks.propensity.regression import pairs_of
from shoptalk.sources.clicks.relevance import Evidence, GammaLowerBound
from shoptalk.sources.clicks.simulation.click_models import PositionBased
from shoptalk.sources.clicks.simulation.pool import PoolLists

RANKERS, SESSIONS, TOP = 3, (10_000, 100_000), 500


def purity(lists: PoolLists, observed: Observed, examination: Examination, top: int) -> float:
    """Share of relevant pairs among the ``top`` best by the gamma bound, over all pairs that were shown."""
    evidence = Evidence.of(observed, examination)
    pairs = pairs_of(observed).with_columns(clicks=evidence.clicks)
    return float(truth(lists, pairs)[best(pairs, GammaLowerBound().score(evidence), top)].mean())


def flat(curve: Curve) -> dict[str, int]:
    """Ranks whose interval holds 1: by itself, and with all intervals below rank 1 holding at once."""
    low, high = np.array(curve.low)[1:], np.array(curve.high)[1:]
    wide = [bound[1:] for bound in curve.bounds(len(low))]
    return {
        "alone": 1 + int(((low <= 1) & (high >= 1)).sum()),
        "at_once": 1 + int(((wide[0] <= 1) & (wide[1] >= 1)).sum()),
    }


def measure(sessions: Sequence[int], seeds: int, rounds: int = 40, top: int = TOP) -> list[dict]:
    """Per size: theta with its interval by seed, ranks that are flat, purity with and without correction."""
    figures = []
    for size in sessions:
        runs = []
        for seed in range(seeds):
            lists, _, observed = simulated(PositionBased(eta=0), RANKERS, size, seed)
            found = AllPairs().estimate(observed)
            [curve] = curves(observed, {"AllPairs": AllPairs()}, ("AllPairs", found), rounds=rounds)
            shown = {"theta": curve.theta, "low": curve.low, "high": curve.high, "flat": flat(curve)}
            pure = {"corrected": found, "uncorrected": NoCorrection().estimate(observed)}
            runs.append(shown | {name: purity(lists, observed, e, top) for name, e in pure.items()})
        spread = {name: summary([r[name] for r in runs]) for name in ("corrected", "uncorrected")}
        ranks = {name: summary([r["flat"][name] for r in runs]) for name in ("alone", "at_once")}
        figures.append({"sessions": size, "runs": runs, "purity": spread, "flat": ranks})
    return figures


def show(figures: list[dict], seeds: int) -> None:
    """theta of every seed, then the counts."""
    for found in figures:
        table = Table(
            title=f"SIMULATED, eta=0, {found['sessions']:,} sessions: theta by AllPairs (true: 1)\n"
            "[95 % interval]; ! marks one without 1"
        )
        for column in ("rank", *(f"seed {seed}" for seed in range(seeds))):
            table.add_column(column, justify="right")
        for k in range(len(found["runs"][0]["theta"])):
            table.add_row(str(k + 1), *(_interval(run, k) for run in found["runs"]))
        CONSOLE.print(table)
    table = Table(title=f"SIMULATED, eta=0, {RANKERS} rankers (mean ± sd of {seeds} seeds)")
    names = "flat ranks of 10", "with all intervals at once", f"purity of top {TOP}, corrected", "not corrected"
    for column in ("sessions", *names):
        table.add_column(column, justify="right")
    for found in figures:
        cells = *(told(found["flat"][n], 1) for n in ("alone", "at_once")), *map(told, found["purity"].values())
        table.add_row(f"{found['sessions']:,}", *cells)
    CONSOLE.print(table)


def _interval(run: dict, k: int) -> str:
    low, high = run["low"][k], run["high"][k]
    return f"{run['theta'][k]:.2f} [{low:.2f}, {high:.2f}]" + ("" if low <= 1 <= high else " !")


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    figures = measure(SESSIONS, chosen.seeds)
    show(figures, chosen.seeds)
    write(figures, chosen.out, "unbiased")


if __name__ == "__main__":
    main(parser(__doc__).parse_args())
