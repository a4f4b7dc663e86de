import json

import pytest
from rich.console import Console
from told_metrics import metrics

from shoptalk.reporting import tables
from shoptalk.reporting.multirun import comparison


def test_queries_without_a_value_stand_in_no_slice():
    slices = metrics(0.1)["slices"]["dev"]
    assert list(slices["kind"]) == ["x"] and slices["kind"]["x"]["n"] == 40


@pytest.mark.parametrize("lift, word", [(0.2, "lifts"), (-0.2, "lowers"), (0.01, "inconclusive")])
def test_the_verdict_says_what_the_interval_says(lift, word):
    sentence = tables.verdict(metrics(lift), "dev")
    assert word in sentence and "smoke-3000" in sentence


def test_every_table_names_the_corpus():
    console = Console(record=True, width=160)
    tables.show(metrics(0.2), console)
    assert "Retrieval on smoke-3000" in console.export_text()


def test_the_multirun_table_puts_the_best_first_and_failures_last(tmp_path):
    for job, lift in enumerate((0.1, 0.3)):
        (tmp_path / str(job) / ".hydra").mkdir(parents=True)
        (tmp_path / str(job) / ".hydra" / "overrides.yaml").write_text(f"- negatives=n{job}\n")
        told = {**metrics(lift), "negatives": {"dropped": {"teacher": 7}}, "seconds": {"total": 3.0}}
        (tmp_path / str(job) / "metrics.json").write_text(json.dumps(told))
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "error.txt").write_text("temperature.value=-1 cannot divide a score.\n")
    console = Console(record=True, width=200)
    console.print(comparison(tmp_path))
    text = console.export_text()
    assert text.index("negatives=n1") < text.index("negatives=n0") < text.index("cannot divide")
    assert "dev of smoke-3000" in text
