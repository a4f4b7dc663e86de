"""The benchmark of calibration runs, at a size that says nothing about its figures but that they can be."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_domain
from benchmark_scripts import scripts
from tiny_models import bert

from shoptalk.domain.beir import Beir
from shoptalk.negatives.calibration import Sigmoid
from shoptalk.negatives.quality import Evidence


@pytest.fixture(scope="module")
def script():
    with scripts("negatives") as load:
        yield load("calibration")


@pytest.fixture
def domain(tmp_path, monkeypatch):
    """A domain with the splits that only the embedded one has; half of its test queries calibrate."""
    load = Beir.load

    def with_splits(self, cache):
        found = load(self, cache)
        test = found.splits["test"]
        return replace(found, splits=found.splits | {"calibration": test.take(range(30)), "audit": test})

    monkeypatch.setattr(Beir, "load", with_splits)
    return tiny_domain.write(tmp_path / "domain")


def test_figures_and_checks_are_written(script, domain, tmp_path):
    told = [f"--out={tmp_path}/out", f"--cache={tmp_path}/cache", "--audit=9", "data=labels", "domain=beir"]
    told += [f"domain.path={domain}", f"model.name={bert(tmp_path / 'model')}", "threads=1", "teacher.max_pairs=20"]
    told += ["teacher.layers=null", "teacher.max_length=null", "teacher.deep_low=20", "teacher.deep_high=50"]
    script.RESAMPLES = 20
    script.main(script.parser().parse_args(told))
    figures = json.loads((tmp_path / "out" / "calibration.json").read_text())
    assert figures["calibrations"].keys() == {"InContext", "Platt", "Temperature", "Isotonic", "audit"}
    chosen = figures["calibrations"]["InContext"]
    assert chosen["brier"] == figures["teacher"]["brier"] and figures["teacher"]["dev"]["difference"]["n"] == 60
    assert {check["check"]: check["figure"] for check in figures["checks"]} == {
        f"{name}, {where}": figures["calibrations"][where][name]
        for where in ("InContext", "audit")
        for name in ("auc", "brier_skill", "ece")
    }
    assert [check["at_most"] for check in figures["checks"][:3]] == [False, False, True]


def test_intervals_hold_the_figure_and_narrow_with_queries(script):
    def width(queries):
        rng = np.random.default_rng(0)
        logits = rng.normal(-1, 2, 10 * queries)
        p = Sigmoid(1.0, 0.0)(logits)
        labels = rng.random(len(logits)) < p
        texts = [f"q{i // 10}" for i in range(len(logits))]
        found = script.measured(Evidence(texts, logits, labels, np.ones(len(logits))), p, 200)
        low, high = found["ci95"]["auc"]
        assert low < found["auc"] < high
        return high - low

    assert width(200) < 0.7 * width(40)
