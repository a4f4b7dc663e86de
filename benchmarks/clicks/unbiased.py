"""Where ranks are not biased, does the click source leave them alone? SIMULATED searchers who look at every rank.

With eta = 0 the true theta is 1 everywhere. AllPairs estimates it with 95 % intervals from a bootstrap over queries;
counted are the ranks whose interval holds 1 (rank 1 is 1 by definition), each by itself and with the nine intervals
below rank 1 widened to hold at once. Then the purity of the best 500 pairs by the gamma bound, with propensities by
AllPairs and without: correcting what needs no correction must not cost anything. Both for clicks with little noise (a
look becomes a click with .1 or 1) and with much (.3 or .7).

    python benchmarks/clicks/unbiased.py [--seeds 5]
"""

import argparse
from collections.abc import Sequence
from itertools import product

import numpy as np
from common import CONSOLE, NOISE, best, parser, simulated, summary, told, truth, write
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


def measure(noises: Sequence[str], sessions: Sequence[int], seeds: int, rounds: int = 40, top: int = TOP) -> list[dict]:
    """Per noise and size: theta with its interval by seed, ranks that are flat, purity with and without correction."""
    figures = []
    for size, noise in product(sessions, noises):
        runs = [one(noise, size, seed, rounds, top) for seed in range(seeds)]
        pure = {name: summary([r[name] for r in runs]) for name in ("corrected", "uncorrected")}
        ranks = {name: summary([r["flat"][name] for r in runs]) for name in ("alone", "at_once")}
        figures.append({"noise": noise, "sessions": size, "runs": runs, "purity": pure, "flat": ranks})
    return figures


def one(noise: str, sessions: int, seed: int, rounds: int, top: int) -> dict:
    """One log: ``theta, low, high`` by rank, ``flat`` (see `flat`), purity ``corrected`` and ``uncorrected``."""
    low, high = NOISE[noise]
    model = PositionBased(eta=0, noise_click=low, sure_click=high)
    lists, _, observed = simulated(model, RANKERS, sessions, seed)
    found = AllPairs().estimate(observed)
    [curve] = curves(observed, {"AllPairs": AllPairs()}, ("AllPairs", found), rounds=rounds)
    shown = {"theta": curve.theta, "low": curve.low, "high": curve.high, "flat": flat(curve)}
    pure = {"corrected": found, "uncorrected": NoCorrection().estimate(observed)}
    return shown | {name: purity(lists, observed, examination, top) for name, examination in pure.items()}


def show(figures: list[dict], seeds: int) -> None:
    """theta of every seed, then the counts."""
    for found in figures:
        title = f"SIMULATED, eta=0, {found['noise']} noise, {found['sessions']:,} sessions: theta by AllPairs (true: 1)"
        table = Table(title=f"{title}\n[95 % interval]; ! marks one without 1")
        for column in ("rank", *(f"seed {seed}" for seed in range(seeds))):
            table.add_column(column, justify="right")
        for k in range(len(found["runs"][0]["theta"])):
            table.add_row(str(k + 1), *(_interval(run, k) for run in found["runs"]))
        CONSOLE.print(table)
    table = Table(title=f"SIMULATED, eta=0, {RANKERS} rankers (mean ± sd of {seeds} seeds)")
    names = "flat ranks of 10", "all at once", f"purity of top {TOP}, corrected", "not corrected"
    for column in ("sessions", "noise", *names):
        table.add_column(column, justify="right")
    for found in figures:
        cells = *(told(found["flat"][n], 1) for n in ("alone", "at_once")), *map(told, found["purity"].values())
        table.add_row(f"{found['sessions']:,}", found["noise"], *cells)
    CONSOLE.print(table)


def _interval(run: dict, k: int) -> str:
    low, high = run["low"][k], run["high"][k]
    return f"{run['theta'][k]:.2f} [{low:.2f}, {high:.2f}]" + ("" if low <= 1 <= high else " !")


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    figures = measure(tuple(NOISE), SESSIONS, chosen.seeds)
    show(figures, chosen.seeds)
    write(figures, chosen.out, "unbiased")


if __name__ == "__main__":
    main(parser(__doc__).parse_args())
