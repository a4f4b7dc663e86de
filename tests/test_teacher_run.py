"""A teacher through the whole of ``train()``."""

import json

import polars as pl
import pytest
from tiny_models import classifier
from tiny_runs import TEACHER, runs

from shoptalk.errors import InputError
from shoptalk.models.cross_encoder import CrossEncoder

FIXED = (
    "data=labels+synthetic", "domain=beir", "trainer=cpu", "trainer.precision=32-true", "trainer.batch_size=16",
    "threads=1", "trainer.pairs=32", "trainer.looks=1", "logger=csv", "negatives=denoised", "negatives.high=20",
    "teacher.calibration_queries=30",
)  # fmt: skip


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    return runs(tmp_path_factory.mktemp("teacher"), *FIXED)


@pytest.fixture(scope="module")
def first(ground):
    return ground("first", *TEACHER)


def test_a_run_tells_of_its_teacher(first):
    told = first.metrics["teacher"]
    assert told["calibration"] == "InContext" and told["queries"] == 30 and told["documents"] == 600
    assert 0 <= told["auc"] <= 1 and sum(one["n"] for one in told["bins"]) == 600
    difference = told["dev"]["difference"]
    assert difference["ndcg@10"] == pytest.approx(told["dev"]["teacher"] - told["dev"]["base"])
    assert json.loads((first.folder / "metrics.json").read_text())["teacher"] == told


def test_other_ratios_judge_nothing_anew(ground, first, monkeypatch):
    def fail(*arguments, **options):
        raise AssertionError("a teacher is asked")

    monkeypatch.setattr(CrossEncoder, "score", fail)
    monkeypatch.setattr("shoptalk.negatives.own.train", fail)
    other = ground("other", *TEACHER, "mixing=proportional", "mixing.max_repeats=3")
    assert other.metrics["mixing"]["drawn"] != first.metrics["mixing"]["drawn"]
    assert other.metrics["teacher"] == first.metrics["teacher"]
    with pytest.raises(AssertionError, match="a teacher is asked"):
        ground("sources", *TEACHER, "teacher.sources=[labels]")


def test_a_classifier_from_a_folder_is_a_teacher(ground, tmp_path):
    name = classifier(tmp_path / "classifier", labels=2)
    told = ground("hub", "teacher=hub", f"teacher.name={name}", "calibration=isotonic").metrics["teacher"]
    assert told["calibration"] == "Isotonic" and "dev" in told


def test_hard_cases_go_out_to_a_person_and_come_back(ground, first):
    band = "negatives.hard_cases={low: 0.0, high: 1.0, count: 40}"
    written = ground("cases", *TEACHER, band).folder / "hard_cases.csv"
    assert not (first.folder / "hard_cases.csv").exists()
    cases = pl.read_csv(written, infer_schema=False)
    assert cases.height == 40 and cases["grade"].null_count() == 40
    graded = written.with_name("graded.csv")
    cases.with_columns(grade=pl.Series([str(i % 2) for i in range(39)] + [None])).write_csv(graded)
    outcome = ground("graded", *TEACHER, f"teacher.judged_cases={graded}")
    told = outcome.metrics["teacher"]
    assert told["judged_cases"] == 39 and told["documents"] == 639
    assert told["relevant"] == first.metrics["teacher"]["relevant"] + 19
    assert any("39 hard cases" in note and "1 more have no grade" in note for note in outcome.metrics["notices"])


def test_bad_teachers_stop_with_one_sentence(ground, tmp_path):
    bare = classifier(tmp_path / "bare", labels=1)
    config = json.loads((bare / "config.json").read_text())
    (bare / "config.json").write_text(json.dumps(config | {"id2label": {}, "num_labels": 0}))
    with pytest.raises(InputError, match="gives 0 outputs"):
        ground("bare", "teacher=hub", f"teacher.name={bare}")
