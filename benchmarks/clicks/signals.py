"""What dwell, reformulations and the last click tell about SIMULATED clicks: purity and recall, before and after.

Searchers of the recovery world (3 rankers, theta = 1/k) stay on a clicked document for a log-normal time (medians 90 s
on a relevant one and 15 s on another, sigma .9; a fifth of the dwells is not seen) and try another query with the
chance .15 if they clicked something relevant, else .60. These figures are assumptions of the simulator, so that this
shows what the pipeline makes of such signals, not what signals are worth. Dwell does not depend on the length of a
document here: "dwell by length" can only do what one threshold for all does. In the rows with noisy flags the
reformulation flag of a fifth of the searches is turned round.

The log is written as Parquet in the canonical schema and read by the click source with one set of signals after the
other. Clicks: the share of counted clicks that are on relevant pairs, and how many of these are left. Pairs: the same
for clicked pairs. Top 500: pairs by the gamma bound, with theta by AllPairs from the same counts.

    python benchmarks/clicks/signals.py [--seeds 5]
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from common import CONSOLE, NOISE, best, parser, summary, told, write
from rich.table import Table

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.sources.clicks.cleaning import Cleaning
from shoptalk.sources.clicks.counting import Reading
from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.propensity.regression import pairs_of
from shoptalk.sources.clicks.relevance import Evidence, GammaLowerBound
from shoptalk.sources.clicks.signals import Dwell, DwellByLength, NotLast, Reformulated, Signal, Signals
from shoptalk.sources.clicks.simulation.behaviour import Behaviour, behave
from shoptalk.sources.clicks.simulation.click_models import PositionBased
from shoptalk.sources.clicks.simulation.pool import Pool, PoolLists, draw
from shoptalk.sources.clicks.simulation.world import World
from shoptalk.sources.clicks.statistics import LogFiles, statistics

SESSIONS, TOP, TURNED = (10_000, 100_000), 500, 0.2
LONG, SOON = Dwell(min_s=30), Reformulated(max_gap_s=300, weight=0)
SIGNALS: dict[str, tuple[dict[str, Signal], bool]] = {
    "none": ({}, False),
    "dwell >= 30 s": ({"dwell": LONG}, False),
    "shorter dwell counts half": ({"dwell": Dwell(min_s=30, weight=0.5)}, False),
    "dwell by length, .3": ({"length": DwellByLength(quantile=0.3, weight=0)}, False),
    "no reformulation": ({"reformulated": SOON}, False),
    "dwell, no reformulation": ({"dwell": LONG, "reformulated": SOON}, False),
    "last click": ({"not_last": NotLast(weight=0)}, False),
    "no reformulation, noisy flags": ({"reformulated": SOON}, True),
    "dwell, no reformulation, noisy flags": ({"dwell": LONG, "reformulated": SOON}, True),
}
"""Name to signals and whether they see noisy flags of reformulation."""


def corpus(pool: Pool, seed: int) -> Corpus:
    """The documents of the pool, ``QUERY-DOCUMENT``, of log-normal lengths around 80 words."""
    words = np.exp(np.random.default_rng([seed, 3]).normal(np.log(80), 0.7, pool.queries * pool.documents)).astype(int)
    ids = [f"{q}-{d}" for q in range(pool.queries) for d in range(pool.documents)]
    return Corpus(ids, ids, [" ".join(["word"] * n) for n in words])


def behaviour(lists: PoolLists, noise: str, seed: int) -> Behaviour:
    """What the searchers do in the standard world, bots apart."""
    low, high = NOISE[noise]
    world = World(seed=seed, click_model=PositionBased(noise_click=low, sure_click=high))
    people = np.zeros(len(lists.query), dtype=bool)
    return behave(world, lists.relevance, np.ones(lists.relevance.shape, dtype=bool), people)


def write_log(path: Path, lists: PoolLists, done: Behaviour, turned: np.ndarray) -> None:
    """The log in the canonical schema, everyone searching once; the reformulation flag of ``turned`` searches (bool)
    is turned round, with a gap as short as after a list without clicks."""
    searches, ranks = lists.document.shape
    number = pl.int_range(searches, eager=True).cast(pl.String)
    gap = np.where(np.isnan(done.gap_s), 25.0, done.gap_s).astype(np.float32)
    follows = pl.Series(done.reformulated ^ turned)
    texts = "query " + pl.Series(lists.query).cast(pl.String)
    per_search = pl.DataFrame(
        {
            "impression_id": "i" + number,
            "session_id": "s" + number,
            "user_key": "u" + number,
            "ts_ms": 1_735_689_600_000 + 1000 * np.arange(searches),
            "query_raw": texts,
            "ranker_id": pl.Series(lists.ranker).cast(pl.String),
            "next_query": (texts + " again").set(~follows, None),
            "next_query_gap_s": pl.Series(gap).set(~follows, None),
        }
    )
    documents = pl.Series(np.repeat(lists.query, ranks)).cast(pl.String) + "-"
    per_row = pl.DataFrame(
        {
            "doc_id": documents + pl.Series(lists.document.ravel()).cast(pl.String),
            "position": np.tile(np.arange(1, ranks + 1, dtype=np.int16), searches),
            "clicked": done.clicked.ravel(),
            "dwell_s": pl.Series(done.dwell_s.ravel()).fill_nan(None),
            "last_click": done.last.ravel(),
        }
    )
    pl.concat([per_search[np.repeat(np.arange(searches), ranks)], per_row], how="horizontal").write_parquet(path)


def counted(path: Path, documents: Corpus, signals: Mapping[str, Signal], folder: Path) -> Observed:
    """The counts of the log as the click source reads it, every row of it."""
    reading = Reading(cleaning=Cleaning(min_query_users=1), signals=Signals(dict(signals)))
    found = statistics(LogFiles(path, [path]), documents, reading, DuckDB(), Cache(folder / "cache"))
    if found.removed["votes"] != found.removed["rows"]:
        raise RuntimeError(f"every row should count: {found.removed}")
    return found.observed()


def shares(observed: Observed, relevant: np.ndarray, top: int) -> dict[str, float]:
    """Clicks and clicked pairs, the pure share of both and of the ``top`` pairs; ``relevant`` bool [queries,
    documents]."""
    evidence = Evidence.of(observed, AllPairs().estimate(observed))
    pairs = pairs_of(observed).with_columns(clicks=evidence.clicks)
    place = pairs["doc_id"].str.split_exact("-", 1).struct.unnest().cast(pl.Int64)
    true = relevant[place["field_0"].to_numpy(), place["field_1"].to_numpy()]
    clicked = evidence.clicks > 0
    return {
        "true_clicks": float(evidence.clicks[true].sum()),
        "click_purity": float(evidence.clicks[true].sum() / evidence.clicks.sum()),
        "true_pairs": int((clicked & true).sum()),
        "pair_purity": float(true[clicked].mean()),
        "top_purity": float(true[best(pairs, GammaLowerBound().score(evidence), top)].mean()),
    }


def one(noise: str, sessions: int, seed: int, top: int) -> dict[str, dict[str, float]]:
    """Per set of signals the purities, and recalls relative to no signal."""
    lists, documents = draw(Pool(), sessions, seed), corpus(Pool(), seed)
    done = behaviour(lists, noise, seed)
    turned = np.random.default_rng([seed, 4]).random(sessions) < TURNED
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as work:
        logs = {noisy: Path(work) / f"log-{noisy}.parquet" for noisy in (False, True)}
        for noisy, path in logs.items():
            write_log(path, lists, done, turned & noisy)
        for name, (signals, noisy) in SIGNALS.items():
            found[name] = shares(counted(logs[noisy], documents, signals, Path(work)), lists.relevant, top)
    before = found["none"]
    for after in found.values():
        after["click_recall"] = after["true_clicks"] / before["true_clicks"]
        after["pair_recall"] = after["true_pairs"] / before["true_pairs"]
    return found


def measure(noises: Sequence[str], sessions: Sequence[int], seeds: int, top: int = TOP) -> list[dict]:
    """Per noise and size ``signals``: per set of signals a summary over seeds of every share."""
    figures = []
    for size in sessions:
        for noise in noises:
            found = [one(noise, size, seed, top) for seed in range(seeds)]
            spread = {
                name: {share: summary([f[name][share] for f in found]) for share in found[0][name]} for name in SIGNALS
            }
            figures.append({"noise": noise, "sessions": size, "top": top, "signals": spread})
    return figures


def show(figures: list[dict], seeds: int) -> None:
    """A table per noise and size."""
    columns = ("click_purity", "click_recall", "pair_purity", "pair_recall", "top_purity")
    for figure in figures:
        low, high = NOISE[figure["noise"]]
        title = f"SIMULATED, {figure['noise']} noise ({low}, {high}), {figure['sessions']:,} sessions"
        table = Table(title=f"{title} (mean ± sd of {seeds} seeds)")
        table.add_column("signals")
        for column in (*columns[:-1], f"top_{figure['top']}_purity"):
            table.add_column(column.replace("_", " "), justify="right")
        for name, found in figure["signals"].items():
            table.add_row(name, *(told(found[column]) for column in columns))
        CONSOLE.print(table)


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    figures = measure(tuple(NOISE), SESSIONS, chosen.seeds)
    show(figures, chosen.seeds)
    write(figures, chosen.out, "signals")


if __name__ == "__main__":
    main(parser(__doc__).parse_args())
