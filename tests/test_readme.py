"""The README's examples of click logs are logs."""

import re

import pytest

from shoptalk.configs import root
from shoptalk.sources.clicks.adapters.detect import Detected
from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.log import open_log

NAMES = {
    "Rows": ("log.csv",),
    "Flat": ("log.csv",),
    "User Behavior Insights": ("ubi_queries.jsonl", "ubi_events.jsonl"),
    "Sessions": ("log.jsonl",),
}


def examples(kind):
    """The blocks of code below the name of a kind of log, as many as it has files."""
    text = (root() / "README.md").read_text().split(f"**{kind}**", 1)[1]
    return re.findall(r"```(?:csv|json)\n(.*?)```", text, re.DOTALL)[: len(NAMES[kind])]


@pytest.mark.parametrize("kind", NAMES)
def test_an_example_is_recognised_and_read(kind, tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "made").mkdir()
    files = [tmp_path / "log" / name for name in NAMES[kind]]
    for path, example in zip(files, examples(kind), strict=True):
        path.write_text(example)
    found = Detected().convert(files, 0 if kind == "User Behavior Insights" else 1, tmp_path / "made")
    engine = DuckDB(threads=1)
    rows = open_log(engine, engine.connect(), found.files, found.position_shift).table.to_polars()
    clicked = rows.filter("clicked")
    assert set(rows["query_raw"]) == {"fridge hums"} and set(rows["doc_id"]) == {"manual-17", "manual-3"}
    assert clicked.filter(doc_id="manual-3")["position"].to_list() == [2]
