"""Runs on a domain that takes seconds: what they tell of their negatives, and that they learn nothing of the truth."""

import json
from dataclasses import replace

import polars as pl
import pytest
import tiny_domain
from composing import composed
from tiny_models import bert

from shoptalk import experiment
from shoptalk.reporting.negatives_truth import Truth

TINY = (
    "data=labels", "domain=beir", "trainer=cpu", "trainer.precision=32-true", "trainer.batch_size=32", "threads=1",
    "trainer.pairs=64", "trainer.looks=1", "mixing.max_repeats=40",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("negatives")
    fixed = [f"domain.path={tiny_domain.write(folder / 'domain')}", f"model.name={bert(folder / 'model')}"]
    return lambda name, *more: experiment.train(
        composed(folder / name, *TINY, *fixed, f"cache.root={folder}/cache", *more)
    )


@pytest.fixture
def hidden(monkeypatch):
    """A domain in which documents d0 and d1, d2 and d3 ... answer the same; and what the sources see of it."""
    other = {f"d{i}": f"d{i ^ 1}" for i in range(60)}
    load, gather, seen = experiment.load_domain, experiment.gather, []
    monkeypatch.setattr(experiment, "load_domain", lambda cfg, run: replace(load(cfg, run), unrecorded=other))
    monkeypatch.setattr(experiment, "gather", lambda *given: seen.append(given[1].domain) or gather(*given))
    return other, seen


def test_a_run_tells_what_its_table_holds(run, hidden):
    other, seen = hidden
    outcome = run("ann", "negatives=ann")
    table, told = pl.read_parquet(outcome.folder / "negatives.parquet"), outcome.metrics["negatives"]
    flat = table.explode("negatives", "scores", "ranks", "miners")
    kept = flat.filter(pl.col("miners") != "filled")
    assert told["kept"] == kept.height > 0 and told["filled"] == flat.height - kept.height
    assert told["seen"] - sum(told["dropped"].values()) >= told["kept"]
    assert told["median_rank"] == kept["ranks"].median()
    assert told["mean_score"] == pytest.approx(kept["scores"].mean())
    false = [other[doc] == negative for doc, negative in kept.select("doc_id", "negatives").iter_rows()]
    assert told["false_negatives"]["n"] == len(false) and told["false_negatives"]["relevant"] == sum(false) > 0
    assert json.loads((outcome.folder / "metrics.json").read_text())["negatives"] == told
    page = (outcome.folder / "report.html").read_text()
    assert "By the hidden truth" in page and "Some to read" in page and len(page) < 6_000_000
    assert [domain.unrecorded for domain in seen] == [{}]


def test_training_is_the_same_whatever_is_hidden(run, hidden, monkeypatch):
    told = run("told", "negatives=random")
    monkeypatch.undo()
    untold = run("untold", "negatives=random")
    assert told.per_query.equals(untold.per_query)
    assert untold.metrics["negatives"]["false_negatives"] is None
    assert told.metrics["negatives"]["false_negatives"]["by_miner"]["random"]["n"] > 0


def test_the_truth_is_read_when_training_is_over(run, monkeypatch):
    order = []
    fit, read = experiment.fit, Truth.read
    monkeypatch.setattr(experiment, "fit", lambda *given: order.append("fit") or fit(*given))
    monkeypatch.setattr(Truth, "read", lambda *given: order.append("truth") or read(*given))
    outcome = run("in_batch", "negatives=in_batch")
    assert order == ["fit", "truth"] and outcome.metrics["negatives"]["kept"] == 0
    assert "mines no negatives" in (outcome.folder / "report.html").read_text()
