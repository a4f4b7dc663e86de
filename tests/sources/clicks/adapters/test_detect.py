"""Every kind of log is told from its files, and reads as its own adapter reads it."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.detect import Detected
from shoptalk.sources.clicks.adapters.files import log_files
from shoptalk.sources.clicks.adapters.flat import Flat
from shoptalk.sources.clicks.adapters.rows import Rows
from shoptalk.sources.clicks.adapters.sessions import SessionLines
from shoptalk.sources.clicks.adapters.ubi import UserBehaviorInsights

LOGS = [
    (Rows(), {"log": [dict(impression_id="i", ts_ms=5, query_raw="q", doc_id="a", position=1, clicked=1)]}),
    (Flat(), {"log": [{"query": "q", "doc_id": "a", "position": 1, "impressions": 5, "clicks": 1}]}),
    (SessionLines(), {"log": [{"session_id": "s", "query": "q", "results": ["a"], "clicks": ["a"]}]}),
    (SessionLines(), {"log": [{"session_id": "s", "searches": [{"query": "q", "results": ["a"], "clicks": []}]}]}),
    (
        UserBehaviorInsights(),
        {
            "query": [{"query_id": "1", "user_query": "q", "timestamp": 5, "query_response_hit_ids": ["a"]}],
            "event": [{"action_name": "click", "timestamp": 6, "query_id": "1", "event_attributes": {"object": None}}],
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize(("adapter", "files"), LOGS)
def test_the_log_is_read_by_its_own_adapter(tmp_path, logs, adapter, files, kind):
    for name, rows in files.items():
        logs.write(tmp_path / f"{name}.{kind}", rows)
    files = log_files(tmp_path)
    assert Detected().recognises(files)
    assert [type(a) for a in Detected().adapters if a.recognises(files)] == [type(adapter)]
    folders = [tmp_path / "_one", tmp_path / "_two"]
    for folder in folders:
        folder.mkdir()
    one, two = (a.convert(files, 1, f) for a, f in zip((Detected(), adapter), folders, strict=True))
    assert (one.told, one.counts, one.position_shift) == (two.told, two.counts, two.position_shift)
    assert [f.read_bytes() for f in one.files] == [f.read_bytes() for f in two.files]


def test_a_stranger_is_told_what_each_kind_needs(tmp_path, logs):
    path = logs.write(tmp_path / "log.csv", [{"suchwort": "q", "sku": "a"}])
    sentence = logs.refused(Detected(), path)
    for part in ("its columns are suchwort, sku", "impression_id", "'events'", "results", "impressions"):
        assert part in sentence
    assert "by log_format=flat 'log_format.columns={doc_id: YOURS}'" in sentence


@pytest.mark.parametrize(
    ("columns", "kind", "line"),
    [
        ({"doc_id": "sku"}, Flat, {"query": "q", "sku": "a", "clicks": 3}),
        ({"results": "docs"}, SessionLines, {"query": "q", "docs": ["a", "b"], "clicks": ["a"]}),
    ],
)
def test_other_names_need_no_kind(tmp_path, logs, columns, kind, line):
    path = logs.write(tmp_path / "log.jsonl", [line])
    found, own = Detected(columns | {"query": None}), kind(columns)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    made = [adapter.convert([path], 1, folder) for adapter, folder in zip((found, own), folders, strict=True)]
    assert made[0].told == made[1].told and made[0].counts == made[1].counts


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"sku": "doc_id"}, "names 'sku'; it may name"),
        ({"results": "a", "impressions": "b"}, "no kind of log has them"),
    ],
)
def test_names_that_no_log_has_are_refused(columns, said):
    with pytest.raises(InputError, match=said):
        Detected(columns)


def test_an_empty_file(tmp_path, logs):
    (tmp_path / "log.csv").write_text("")
    assert "empty" in logs.refused(Detected(), tmp_path / "log.csv")


def test_two_columns_of_one_name(tmp_path, logs):
    (tmp_path / "log.csv").write_text("query,query,doc_id,clicks\na,b,c,1\n")
    assert "two columns are called 'query'" in logs.refused(Detected(), tmp_path / "log.csv")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(st.sampled_from(["query", "doc_id", "clicks", "results"]) | st.text("ab,;\"'\n\t ", max_size=4)),
    kind=st.sampled_from(["csv", "jsonl"]),
)
def test_no_names_end_in_anything_but_a_sentence(names, kind, logs, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / f"log.{kind}"
    text = ",".join(names) + "\n1,2,3\n" if kind == "csv" else json.dumps(dict.fromkeys(names, "1"))
    path.write_text(text)
    logs.sentence_or_counts(Detected(), path)


@pytest.mark.parametrize("name", ["auto", "rows", "flat", "ubi", "sessions"])
def test_configured_adapters_are_the_defaults(name):
    from hydra.utils import instantiate

    folder = Path(__file__).parents[4] / "conf" / "log_format"
    assert sorted(f.stem for f in folder.iterdir()) == ["auto", "flat", "rows", "sessions", "ubi"]
    made = instantiate(yaml.safe_load((folder / f"{name}.yaml").read_text()), _convert_="all")
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(type(made)()).items()}
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in vars(made).items()} == plain


@pytest.mark.parametrize("adapter", [Flat(), SessionLines(), UserBehaviorInsights(), Detected()])
def test_a_base_that_is_none(tmp_path, logs, adapter):
    path = logs.write(tmp_path / "log.csv", LOGS[1][1]["log"])
    with pytest.raises(InputError, match="position_base is 2; it must be 0 or 1"):
        adapter.convert([path], 2, tmp_path)
