from types import SimpleNamespace

import polars as pl
from mined_by_hand import mined, some, told

from shoptalk.reporting.tracking import Csv, Wandb


def logged(negatives, folder):
    """What W&B is handed of a run that mined ``negatives``."""
    logs, summary = {}, {}
    tracker = Wandb("project")
    run = SimpleNamespace(log=logs.update, summary=summary, finish=lambda: None)
    tracker._folder, tracker._logger = folder, SimpleNamespace(experiment=run)
    tracker.finish({"negatives": negatives.metrics()}, pl.DataFrame({"query": ["q"]}), negatives)
    assert summary == {"negatives": negatives.metrics()}
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
    assert logged(told(mined([("q", "d0", [])])), tmp_path).keys() == {"per_query"}


def test_csv_leaves_them_to_the_run(tmp_path):
    Csv().finish({}, pl.DataFrame(), told(some()))
    assert not list(tmp_path.iterdir())
