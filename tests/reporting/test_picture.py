from xml.etree import ElementTree

import pytest
from told_metrics import metrics

from shoptalk.reporting.picture import picture

SVG = "{http://www.w3.org/2000/svg}"


def test_every_bar_is_as_long_as_its_figure():
    told = metrics(0.2)
    tree = ElementTree.fromstring(picture(told))
    widths = [float(bar.get("width")) for bar in tree.iter(f"{SVG}rect") if bar.get("height") == "11"]
    arms = ("bm25", "zero_shot", "adapted")
    figures = [told["dev"][arm]["ndcg@10"] for arm in arms] + [told["slices"]["dev"]["kind"]["x"][arm] for arm in arms]
    assert [width / 430 for width in widths] == pytest.approx(figures, abs=2e-4)


def test_a_simulated_log_is_called_simulated():
    assert "simulated" not in picture(metrics(0.2))
    assert "click log simulated" in picture({**metrics(0.2), "simulated": {}})


def test_names_are_escaped_and_nothing_measured_is_no_picture():
    told = metrics(0.2)
    told["corpus"] = "R&D <2>"
    assert ElementTree.fromstring(picture(told)) is not None
    assert picture({"corpus": "x", "gain": {}, "slices": {}}) is None
