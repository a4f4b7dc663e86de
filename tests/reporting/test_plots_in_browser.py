"""Every plot of a page is drawn, and the browser complains of nothing."""

import re

import pytest
from chromium import NEEDED, shown
from told_sweeps import CLOSING, SCORE, SECONDS, swept

from shoptalk.reporting.sweeps.page import page

pytestmark = NEEDED


@pytest.mark.parametrize("objectives", [(SCORE,), (SCORE, SECONDS)])
def test_every_plot_of_a_sweep_is_drawn(tmp_path, objectives):
    html, path = page(swept(14, objectives), CLOSING), tmp_path / "sweep.html"
    path.write_text(html, encoding="utf-8")
    asked = html.count("Plotly.newPlot(")
    dumped, complaints = shown(path.as_uri(), tmp_path)
    drawn = re.findall(r'<figure aria-label="([^"]*)">(.*?)</figure>', dumped, re.DOTALL)
    empty = [name for name, inside in drawn if 'class="main-svg"' not in inside]
    assert len(drawn) == asked >= 6 and not empty and not complaints
    assert any("Pareto" in name for name, _ in drawn) == (len(objectives) == 2)
