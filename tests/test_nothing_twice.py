"""Runs of one sweep share what none of them changes, and a warm run is the cold one in all it leaves and says."""

import io
import json
import re
from pathlib import Path

import polars as pl
import pytest
import tiny_domain
from composing import composed
from rich.console import Console
from tiny_models import bert

from shoptalk import experiment
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.sources.clicks import source as clicks
from shoptalk.sources.clicks.source import ClickSource
from shoptalk.sources.synthetic import source as synthetic
from shoptalk.sources.synthetic.source import SyntheticSource

FIXED = (
    "data=clicks+labels+synthetic", "domain=beir", "trainer=cpu", "trainer.precision=32-true", "trainer.batch_size=8",
    "trainer.learning_rate=5e-3", "trainer.pairs=16", "trainer.looks=1", "mixing=balanced", "mixing.max_repeats=40",
    "negatives=ann", "threads=1", "coverage=targeted", "propensity=given", "relevance=clicks",
    "data.sources.clicks.cleaning.min_query_users=1", "data.sources.clicks.support.clickers=0",
    "data.sources.clicks.support.impressions=1", "data.sources.clicks.support.examinations=0",
    "data.sources.clicks.selection.min_score=null", "data.sources.clicks.compared={}",
    "data.sources.clicks.keep_removed=true", "data.sources.clicks.position_base=1",
)  # fmt: skip
MAKERS = (
    (ClickSource, "read"), (SyntheticSource, "read"), (clicks, "diagnose"), (synthetic, "quality"),
    (Dense, "__call__"), (BM25, "search"),
)  # fmt: skip
# Seconds, and bars of what was embedded.
TIMED = re.compile(r"\d:\d\d")
RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def write_log(path: Path) -> Path:
    """Lists of three documents for queries of one plain word, the first of them clicked."""
    rows = [
        {"impression_id": str(n), "ts_ms": n, "query_raw": f"seen {n % 20}", "doc_id": f"d{(n + 7 * k) % 60}",
         "position": k + 1, "clicked": k == n % 3}
        for n in range(120) for k in range(3)
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(path)
    return path


class Trials:
    """Runs over one cache, what each said, and how often each maker was called."""

    def __init__(self, folder: Path):
        self.folder, self.log, self.model = folder, write_log(folder / "log.parquet"), bert(folder / "model")
        self.domain = tiny_domain.write(folder / "domain")
        self.calls: dict[str, int] = {}

    def run(self, monkeypatch, name: str, *overrides: str) -> tuple[Path, str, dict[str, int]]:
        """The run's folder, what it said, and the calls of ``MAKERS`` by name."""
        said, before = io.StringIO(), dict(self.calls)
        for owner, maker in MAKERS:
            monkeypatch.setattr(owner, maker, self._counted(f"{owner.__name__}.{maker}", getattr(owner, maker)))
        monkeypatch.setattr(experiment, "Console", lambda quiet: Console(file=said, width=200))
        fixed = [f"domain.path={self.domain}", f"domain.log={self.log}", f"model.name={self.model}"]
        cfg = composed(self.folder / name, *FIXED, *fixed, f"cache.root={self.folder}/cache", *overrides)
        folder = experiment.train(cfg).folder
        monkeypatch.undo()
        calls = {maker: n - before.get(maker, 0) for maker, n in self.calls.items() if n > before.get(maker, 0)}
        lines = [line for line in said.getvalue().splitlines() if not TIMED.search(line)]
        return folder, "\n".join(lines).replace(str(folder), "RUN"), calls

    def _counted(self, name: str, maker):
        def counted(*args, **more):
            self.calls[name] = self.calls.get(name, 0) + 1
            return maker(*args, **more)

        return counted


@pytest.fixture(scope="module")
def trials(tmp_path_factory) -> Trials:
    return Trials(tmp_path_factory.mktemp("trials"))


@pytest.fixture(scope="module")
def cold(trials):
    with pytest.MonkeyPatch.context() as patch:
        return trials.run(patch, "cold")


def figures(folder: Path) -> dict:
    return {key: value for key, value in json.loads((folder / "metrics.json").read_text()).items() if key != "seconds"}


def test_a_cold_run_makes_everything(cold):
    _, said, calls = cold
    assert calls["ClickSource.read"] == calls["SyntheticSource.read"] == 1
    assert {"Dense.__call__", "BM25.search"} <= calls.keys() and len(calls) == len(MAKERS)
    assert "No real training query leads to" in said and "Click log of clicks" in said


def test_a_warm_run_makes_nothing_again_and_is_the_cold_one(monkeypatch, trials, cold):
    folder, said, calls = trials.run(monkeypatch, "warm")
    # What is left is the search with the weights that were trained, once for each split.
    assert calls == {"Dense.__call__": 2} and said == cold[1]
    assert figures(folder) == figures(cold[0])
    files = [sorted(p.relative_to(f).as_posix() for p in f.rglob("*") if p.is_file()) for f in (folder, cold[0])]
    assert files[0] == files[1]
    for name in files[0]:
        one, other = folder / name, cold[0] / name
        if name.endswith(".parquet"):
            a, b = pl.read_parquet(one), pl.read_parquet(other)
            assert a.schema == b.schema and a.equals(b), name
        if name.startswith("log_report"):
            assert RANDOM.sub("", one.read_text()) == RANDOM.sub("", other.read_text())
    assert "rejected/clicks_rows.parquet" in files[0]


def test_a_trial_of_another_mixture_temperature_and_negatives_shares_it_all(monkeypatch, trials, cold):
    changed = ("mixing=clicks_heavy", "mixing.ratios.labels=0.7", "temperature=soft", "negatives.keep=2")
    folder, _, calls = trials.run(monkeypatch, "trial", *changed)
    assert calls == {"Dense.__call__": 2}
    assert figures(folder)["mixing"] != figures(cold[0])["mixing"]


@pytest.mark.parametrize(
    ("changed", "made", "times"),
    [
        ("data.sources.clicks.weight.spread=3.0", "ClickSource.read", 1),
        ("data.sources.synthetic.documents=20", "SyntheticSource.read", 1),
        ("seed=1", "SyntheticSource.read", 1),
        ("negatives.high=20", "Dense.__call__", 3),
    ],
)
def test_what_an_option_decides_is_made_anew(monkeypatch, trials, cold, changed, made, times):
    assert trials.run(monkeypatch, changed.replace("=", "-"), changed)[2][made] == times


def test_other_rows_of_the_log_are_read_anew(monkeypatch, trials, cold):
    pl.read_parquet(trials.log).head(330).write_parquet(trials.log)
    assert trials.run(monkeypatch, "log")[2]["ClickSource.read"] == 1


def test_another_document_makes_all_anew(monkeypatch, trials, cold):
    corpus = trials.domain / "corpus.jsonl"
    corpus.write_text(corpus.read_text() + '{"_id": "more", "title": "", "text": "another document"}\n')
    assert trials.run(monkeypatch, "document")[2] == cold[2]
