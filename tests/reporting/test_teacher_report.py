import re

import numpy as np
import pytest

from shoptalk.negatives.calibration import Sigmoid
from shoptalk.negatives.quality import Evidence, Quality
from shoptalk.reporting.teacher_report import MEANINGS, figures, section


@pytest.fixture
def told():
    rng = np.random.default_rng(0)
    logits = rng.normal(-1, 2, 400)
    p = Sigmoid(1.0, 0.0)(logits)
    labels = rng.random(400) < p
    quality = Quality.of(Evidence(["q"] * 400, logits, labels, np.ones(400)), p)
    head = {"calibration": "Platt", "queries": 20, "documents": 400, "relevant": 7, "base_rate": 0.1}
    return head | quality.told()


def words(markup):
    return " ".join(re.sub(r"<script.*?</script>|<[^>]*>", " ", str(markup), flags=re.S).split())


DEV = {
    "teacher": 0.512,
    "base": 0.55,
    "candidates": 30,
    "difference": {"ndcg@10": -0.038, "ci95": [-0.07, -0.01], "p_value": 0.01, "n": 200, "verdict": "worse"},
}


def test_every_measure_and_the_ranking_of_dev_are_told(told):
    drawn = {name: figure.to_html(full_html=False) for name, figure in figures(told).items()}
    page = section(told | {"dev": DEV}, drawn)
    shown = dict(re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", page))
    assert shown == {title: f"{told[name]:.3f}" for name, (title, _) in MEANINGS.items()}
    assert "Platt on 400 documents of 20 queries" in words(page) and "plotly-graph-div" in page
    assert "0.512" in words(page) and "-3.8 points (95 % interval -7.0 to -1.0, p = 0.0100; worse)" in words(page)


def test_the_plot_shows_each_bin_inside_its_interval(told):
    perfect, shown = figures(told)["reliability"].data
    assert list(shown.x) == [one["predicted"] for one in told["bins"]]
    assert list(shown.y) == [one["relevant"] for one in told["bins"]]
    assert perfect.x == perfect.y and perfect.x[1] >= max(shown.x)
    low, high = np.array(shown.y) - shown.error_y.arrayminus, np.array(shown.y) + shown.error_y.array
    assert ((low >= 0) & (low < shown.y) | (np.array(shown.y) == 0)).all() and (high <= 1).all()


def test_where_nothing_was_measured_it_is_said(told):
    bare = {name: told[name] for name in ("calibration", "queries", "documents", "relevant", "base_rate")}
    assert figures(bare) == {}
    assert "Too few queries" in section(bare, {})
    assert section({}, {}) == ""
