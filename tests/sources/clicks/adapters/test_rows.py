"""Logs that are in the schema already stay as they are."""

import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.rows import Rows

ROW = {"impression_id": "i", "ts_ms": 5, "query_raw": "q", "doc_id": "a", "position": 3, "clicked": True}
KINDS = ["parquet", "csv", "jsonl", "csv.gz", "jsonl.gz"]


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_returned_untouched_with_their_shift(tmp_path, logs, kind):
    paths = [logs.write(tmp_path / f"{n}.{kind}", [ROW | {"device": "phone", "mine": 1}]) for n in range(2)]
    assert Rows().recognises(paths)
    before = [path.read_bytes() for path in paths]
    for base in (0, 1):
        found = Rows().convert(paths, base, tmp_path / "none")
        assert found.files == tuple(paths)
        assert found.position_shift == 1 - base
        assert found.told == {*ROW, "device"}
    assert [path.read_bytes() for path in paths] == before
    assert sorted(tmp_path.iterdir()) == paths


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_said_where_positions_begin(tmp_path, logs, kind):
    paths = [logs.write(tmp_path / f"{n}.{kind}", [ROW, ROW | {"position": n}]) for n in (2, 1)]
    with pytest.raises(InputError) as error:
        Rows().convert(paths, None, tmp_path)
    assert str(error.value) == (
        f"{paths[0]}: say whether positions count from 0 or 1: position_base=0 or 1 (the smallest position of the "
        "log is 1)."
    )


@pytest.mark.parametrize("base", [2, -1])
def test_a_base_that_is_none(tmp_path, logs, base):
    with pytest.raises(InputError, match=f"position_base is {base}; it must be 0 or 1"):
        Rows().convert([logs.write(tmp_path / "log.csv", [ROW])], base, tmp_path)


def test_other_logs_are_not_recognised(tmp_path, logs):
    assert not Rows().recognises([logs.write(tmp_path / "log.csv", [{"query": "q", "doc_id": "a", "clicks": 1}])])
