"""How fast is PBM by EM over counts, against a plain loop over sessions? On a SIMULATED log of 1M sessions.

Ours: the counts of all sessions (`Observed.of_lists`, which also counts the lists by their clicks, as models of
browsing need them), then `em.two_factors`. Each of its accelerated rounds holds three plain EM steps; they are counted
as three, and the extrapolation between them is in the time. It is kept from ending early.

The loop: the textbook's E and M step (Chuklin et al. 2015, section 4.3) session by session in plain Python with
dictionaries, as published Python libraries of click models do it, but without their objects. A few of its steps are
timed on a sample of the sessions; time per session and step, times all sessions and steps, is its time. It grows
linearly in both, since a step visits every impression once.

First both take the same plain steps on the sample (ours without extrapolation) and must agree.

    python benchmarks/clicks/em_speed.py [--sessions 1000000] [--sample 20000]
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from unittest.mock import patch

import numpy as np
from common import CONSOLE, parser, write
from rich.table import Table

from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity import em
from shoptalk.sources.clicks.propensity.identify import ranks
from shoptalk.sources.clicks.simulation.click_models import PositionBased
from shoptalk.sources.clicks.simulation.pool import Pool, PoolLists, draw

RANKERS, SEED, ASKED = 5, 0, 100
PRIOR = em.Smoothing(0.01, 0.01)
STEPS = (51, 150, 600)
"""Plain EM steps: about the 50 that libraries take by default, and up to the 600 of ``PositionEM``."""

Session = tuple[int, list[int], list[bool]]
"""Query, documents and clicks from rank 1 down."""


def ours(observed: Observed, steps: int) -> np.ndarray:
    """theta [ranks] after ``steps`` EM steps, a multiple of 3."""
    if steps % 3:
        raise ValueError(f"{steps} steps are not a multiple of 3")
    counts = em.counts(observed)
    return em.two_factors(observed.pair_numbers(), ranks(observed), *counts, PRIOR, steps, tolerance=0)[0]


def ours_plain(observed: Observed, steps: int) -> np.ndarray:
    """The same without extrapolation: ``steps`` plain steps."""
    with patch.object(em, "_leap", lambda start, one, two: two):
        return ours(observed, steps)


def start(sessions: Sequence[Session], depth: int) -> tuple[list[float], dict[tuple[int, int], float]]:
    """theta and gamma that EM begins with: one half, and clicks per impression."""
    trials, hits = defaultdict(int), defaultdict(int)
    for query, documents, clicks in sessions:
        for document, clicked in zip(documents, clicks, strict=True):
            trials[query, document] += 1
            hits[query, document] += clicked
    prior = PRIOR.clicked + PRIOR.passed
    return [0.5] * depth, {pair: (hits[pair] + PRIOR.clicked) / (n + prior) for pair, n in trials.items()}


def textbook_step(
    sessions: Sequence[Session], theta: list[float], gamma: dict[tuple[int, int], float]
) -> tuple[list[float], dict[tuple[int, int], float]]:
    """One E and M step, session by session."""
    looked, shown = [0.0] * len(theta), [0] * len(theta)
    liked, trials = defaultdict(float), defaultdict(int)
    for query, documents, clicks in sessions:
        for rank, document in enumerate(documents):
            pair = query, document
            if clicks[rank]:
                look = like = 1.0
            else:
                t, g = theta[rank], gamma[pair]
                missed = 1 - t * g
                look, like = t * (1 - g) / missed, g * (1 - t) / missed
            looked[rank] += look
            shown[rank] += 1
            liked[pair] += like
            trials[pair] += 1
    prior = PRIOR.clicked + PRIOR.passed
    new_theta = [a / n for a, n in zip(looked, shown, strict=True)]
    return new_theta, {pair: (liked[pair] + PRIOR.clicked) / (n + prior) for pair, n in trials.items()}


def as_sessions(lists: PoolLists, clicked: np.ndarray, count: int) -> list[Session]:
    """The first ``count`` lists as plain Python."""
    rows = lists.query[:count].tolist(), lists.document[:count].tolist(), clicked[:count].tolist()
    return list(zip(*rows, strict=True))


def disagreement(lists: PoolLists, clicked: np.ndarray, sample: int, steps: int) -> float:
    """Largest difference of theta between ours and the loop after the same plain ``steps`` on the sample."""
    sessions = as_sessions(lists, clicked, sample)
    found = start(sessions, lists.document.shape[1])
    for _ in range(steps):
        found = textbook_step(sessions, *found)
    observed = Observed.of_lists(lists.query[:sample], lists.document[:sample], clicked[:sample])
    return float(np.abs(ours_plain(observed, steps) - found[0]).max())


def seconds(work: Callable[[], object]) -> tuple[object, dict[str, float]]:
    """What ``work`` gives, and how long it took: by the clock (``wall``) and on all cores together (``cpu``)."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def measure(sessions: int, sample: int, steps: Sequence[int] = STEPS, timed: int = 3) -> dict:
    """``agreement`` (largest difference of theta on the sample), ``counting`` (seconds), ``loop`` (median seconds
    per session and step over ``timed`` steps), and ``runs``: per number of steps ours, the loop's and the ratio."""
    lists = draw(Pool(rankers=RANKERS), sessions, SEED)
    shown = np.ones(lists.relevance.shape, dtype=bool)
    clicked = PositionBased().clicks(lists.relevance, shown, np.random.default_rng([SEED, 1]))
    agreement = disagreement(lists, clicked, sample, 9)
    observed, counting = seconds(lambda: Observed.of_lists(lists.query, lists.document, clicked))
    some = as_sessions(lists, clicked, sample)
    state, times = start(some, lists.document.shape[1]), []
    for _ in range(timed):
        state, took = seconds(lambda state=state: textbook_step(some, *state))
        times.append(took)
    loop = {clock: float(np.median([t[clock] for t in times])) / len(some) for clock in times[0]}
    runs = []
    for count in steps:
        _, fitting = seconds(lambda count=count: ours(observed, count))
        total = {clock: loop[clock] * sessions * count for clock in loop}
        ratio = {clock: total[clock] / (counting[clock] + fitting[clock]) for clock in loop}
        alone = {clock: total[clock] / fitting[clock] for clock in loop}
        runs.append({"steps": count, "fitting": fitting, "loop": total, "ratio": ratio, "ratio_fitting": alone})
    rows = {"sessions": sessions, "sample": sample, "rows": observed.by_position.height}
    return rows | {"agreement": agreement, "counting": counting, "loop": loop, "runs": runs}


def show(found: dict) -> None:
    """One row per number of steps."""
    table = Table(
        title=f"SIMULATED: PBM by EM on {found['sessions']:,} sessions, {RANKERS} rankers; seconds wall (CPU)"
    )
    columns = "EM steps", "counting", "EM on counts", "loop (extrapolated)", "ratio, counting included", "EM alone"
    for column in columns:
        table.add_column(column, justify="right")
    for run in found["runs"]:
        parts = found["counting"], run["fitting"], run["loop"]
        ratios = run["ratio"], run["ratio_fitting"]
        cells = [f"{p['wall']:,.2f} ({p['cpu']:,.2f})" for p in parts] + [_times(r) for r in ratios]
        table.add_row(str(run["steps"]), *cells)
    CONSOLE.print(table)
    CONSOLE.print(
        f"The loop takes {1e6 * found['loop']['wall']:.1f} us per session and step (median of its steps on "
        f"{found['sample']:,} sessions). Counts: {found['rows']:,} rows. After 9 plain steps on the same sessions "
        f"theta differs by at most {found['agreement']:.1e} (asked: 1e-6). Asked of the ratio: {ASKED}."
    )


def _times(ratio: dict[str, float]) -> str:
    return f"{ratio['wall']:,.0f}x ({ratio['cpu']:,.0f}x)"


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    found = measure(chosen.sessions, chosen.sample)
    show(found)
    write(found, chosen.out, "em_speed")


if __name__ == "__main__":
    options = parser(__doc__, seeds=False)
    options.add_argument("--sessions", type=int, default=1_000_000, help="lists in the log (1000000)")
    options.add_argument("--sample", type=int, default=20_000, help="lists that the loop is timed on (20000)")
    main(options.parse_args())
