"""What the benchmarks of the click source share: the recovery world, how figures are summed up and written.

The recovery world is ``Pool()``: 1,000 queries with 30 documents each, 3 of them relevant; rankers that differ in
their noise; Zipf traffic with exponent 1; lists of ten. Every figure is the mean over seeds of the whole world.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console

from shoptalk.cache import Cache
from shoptalk.configs import root
from shoptalk.domain.corpus import Corpus
from shoptalk.sources.clicks.cleaning import Cleaning
from shoptalk.sources.clicks.counting import Reading
from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.signals import Signals
from shoptalk.sources.clicks.simulation.click_models import ClickModel
from shoptalk.sources.clicks.simulation.pool import Pool, PoolLists, draw
from shoptalk.sources.clicks.statistics import LogFiles, Statistics, statistics

NOISE = {"low": (0.1, 1.0), "high": (0.3, 0.7)}
"""Chance of a click on what is looked at: if it is not relevant, if it is."""

CONSOLE = Console(width=120)


def simulated(model: ClickModel, rankers: int, sessions: int, seed: int) -> tuple[PoolLists, np.ndarray, Observed]:
    """Lists of the recovery world, what is clicked in them (bool [sessions, 10]) and the counts of both."""
    lists = draw(Pool(rankers=rankers), sessions, seed)
    clicked = model.clicks(
        lists.relevance, np.ones(lists.relevance.shape, dtype=bool), np.random.default_rng([seed, 1])
    )
    return lists, clicked, Observed.of_lists(lists.query, lists.document, clicked)


def read_log(path: Path) -> Statistics:
    """The counts of a canonical Parquet log.

    The corpus is the documents that the log names; rows are cleaned by default, clicks are taken as they are.
    """
    documents = pl.scan_parquet(path).select("doc_id").unique().collect()["doc_id"].sort().to_list()
    corpus = Corpus(documents, documents, [""] * len(documents))
    with tempfile.TemporaryDirectory() as folder:
        reading = Reading(cleaning=Cleaning(), signals=Signals())
        return statistics(LogFiles(path, [path]), corpus, reading, DuckDB(), Cache(folder))


def truth(lists: PoolLists, pairs: pl.DataFrame) -> np.ndarray:
    """Whether each of ``pairs`` (``query_id, doc_id``) is relevant, bool [pairs]."""
    return lists.relevant[pairs["query_id"].to_numpy(), pairs["doc_id"].cast(pl.Int64).to_numpy()]


def best(pairs: pl.DataFrame, score: np.ndarray, count: int) -> np.ndarray:
    """Rows of the ``count`` best ``pairs`` (``query_id, doc_id, clicks``), ties as the click source breaks them: by
    clicks, then query, then document."""
    table = pairs.with_columns(score=score).with_row_index("row")
    keys = ["score", "clicks", "query_id", "doc_id"]
    return table.sort(keys, descending=[True, True, False, False]).head(count)["row"].to_numpy()


def summary(values: Sequence[float]) -> dict[str, float | list[float]]:
    """Mean and standard deviation over seeds, and the values themselves."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "sd": spread, "values": [float(v) for v in values]}


def told(figure: dict, digits: int = 3) -> str:
    """A summary in a cell of a table: mean ± standard deviation over seeds."""
    return f"{figure['mean']:.{digits}f} ± {figure['sd']:.{digits}f}"


def parser(description: str | None, seeds: bool = True) -> argparse.ArgumentParser:
    """The options that all benchmarks have; ``seeds`` where figures are means over worlds."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if seeds:
        made.add_argument("--seeds", type=int, default=5, help="worlds that every figure is the mean of (5)")
    folder = root() / "outputs" / "benchmarks" / "clicks"
    made.add_argument("--out", type=Path, default=folder, help="folder of the figures (outputs/benchmarks/clicks)")
    return made


def write(figures: object, out: Path, name: str) -> None:
    """``figures`` as ``out/name.json``."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.json"
    path.write_text(json.dumps(figures, indent=1) + "\n")
    CONSOLE.print(f"Figures: {path}")
