from types import SimpleNamespace
from unittest.mock import MagicMock

import polars as pl
import wandb
from mined_by_hand import mined, some, told

from shoptalk.reporting.tracking import Csv, Swept, Wandb


def logged(negatives, folder, **more):
    """What W&B is handed of a run that mined ``negatives``."""
    logs, summary = {}, {}
    tracker = Wandb("project", artifacts="none")
    run = SimpleNamespace(log=logs.update, summary=summary, finish=lambda: None)
    tracker._folder, tracker._logger = folder, SimpleNamespace(experiment=run)
    tracker.finish({"negatives": negatives.metrics(), **more}, pl.DataFrame({"query": ["q"]}), negatives)
    assert summary == {"negatives": negatives.metrics(), **more}
    return logs


def test_wandb_keeps_the_histograms_and_the_sample_of_negatives(tmp_path):
    logs = logged(told(some()), tmp_path)
    histogram = logs["negatives/ranks/ann"]
    assert sum(histogram.histogram) == 3 and len(histogram.bins) == len(histogram.histogram) + 1
    assert {"negatives/scores/similarity/positives", "negatives/probabilities/bm25"} <= logs.keys()
    assert {row[logs["negatives/sample"].columns.index("query")] for row in logs["negatives/sample"].data} == {
        "red", "blue", "old",
    }  # fmt: skip


def test_wandb_is_handed_no_table_of_nothing(tmp_path):
    assert logged(told(mined([("q", "d0", [])])), tmp_path).keys() == {"per_query", "negatives/counts"}


def test_wandb_keeps_slices_and_why_negatives_were_dropped(tmp_path):
    slices = {"dev": {"kind": {"x": {"n": 40, "bm25": 0.1, "adapted": 0.5}}}}
    logs = logged(told(some()), tmp_path, slices=slices)
    assert logs["slices"].columns == ["split", "slice", "value", "n", "bm25", "adapted"]
    assert logs["slices"].data == [["dev", "kind", "x", 40, 0.1, 0.5]]
    assert {"teacher": 12, "known positive": 3, "filled": 1}.items() <= dict(logs["negatives/counts"].data).items()


def test_csv_leaves_them_to_the_run(tmp_path):
    Csv().finish({}, pl.DataFrame(), told(some()))
    assert not list(tmp_path.iterdir())


def test_wandb_marks_a_pruned_run_and_ends_it_well(monkeypatch):
    ended = []
    run = SimpleNamespace(summary={}, tags=("phenotypes",), finish=lambda exit_code: ended.append(exit_code))
    monkeypatch.setattr(wandb, "run", run)
    Wandb("project").abandon(pruned=True)
    assert run.summary == {"pruned": True} and run.tags == ("phenotypes", "pruned") and ended == [0]
    Wandb("project").abandon()
    assert run.summary == {"pruned": False} and ended == [0, 1]


def test_wandb_keeps_a_sweep_as_a_run_in_its_trials_group(tmp_path, monkeypatch):
    (tmp_path / "sweep.html").write_text("<p>page</p>")
    logs, run = {}, MagicMock()
    run.__enter__.return_value, run.log, run.summary = run, logs.update, {}
    asked = MagicMock(return_value=run)
    monkeypatch.setattr(wandb, "init", asked)
    trials = pl.DataFrame({"trial": [0, 1], "error": [None, "no such model"]})
    Wandb("project").swept(Swept("mixture", tmp_path, tmp_path / "sweep.html", trials, {"best": 0.5}))
    told = asked.call_args.kwargs
    assert (told["group"], told["job_type"], told["mode"]) == ("mixture", "sweep", "offline")
    assert run.summary == {"best": 0.5} and logs["trials"].data == [[0, None], [1, "no such model"]]
    assert "page" in logs["sweep"].html
