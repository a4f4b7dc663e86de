"""A simulated log left in any shape reads as the rows it was made of."""

import polars as pl
import pytest

from shoptalk.sources.clicks.adapters.detect import Detected
from shoptalk.sources.clicks.simulation import shapes
from shoptalk.sources.clicks.simulation.simulate import make
from shoptalk.sources.clicks.simulation.world import World

SAID = ["impression_id", "ts_ms", "query_raw", "doc_id", "position", "clicked", "user_key", "ranker_id", "click_ts_ms"]


@pytest.fixture(scope="module")
def happened(made):
    return make(made.domain(), {"bm25": made.ranker(1), "dense": made.ranker(2)}, World(sessions=2_000, users=200))


def read(shape, base, happened, tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "read").mkdir()
    files = shape.write(happened, tmp_path / "log")
    found = Detected().convert(files, base, tmp_path / "read")
    return found, pl.concat(pl.read_parquet(path) for path in found.files)


def same(one, two, columns):
    tables = [t.select(columns).sort(columns) for t in (one, two)]
    return tables[0].equals(tables[1])


@pytest.mark.parametrize(("base", "impressions"), [(0, False), (1, True)])
def test_user_behavior_insights(happened, tmp_path, base, impressions):
    shape = shapes.Ubi(position_base=base, impressions=impressions)
    found, rows = read(shape, base, happened, tmp_path)
    assert not found.notices
    assert same(rows, happened.log(), [*SAID, "is_bot"])
    assert found.counts.get("clicks", 0) == happened.log()["clicked"].sum()


def test_sessions(happened, tmp_path):
    _, rows = read(shapes.Sessions(), None, happened, tmp_path)
    assert same(rows, happened.log(), [*SAID[1:], "session_id", "dwell_s", "is_bot"])
    searches = pl.col("impression_id").n_unique()
    assert rows.select(searches).item() == happened.log().select(searches).item()


def test_flat(happened, tmp_path):
    _, rows = read(shapes.Flat(), 1, happened, tmp_path)
    keys = ["query_raw", "doc_id", "position", "clicked"]
    counted = happened.log().group_by(keys).agg(weight=pl.len().cast(pl.Float32))
    assert same(rows, counted, [*keys, "weight"])
    assert rows["impression_id"].is_unique().all()


@pytest.mark.parametrize("base", [0, 1])
def test_rows(happened, tmp_path, base):
    found, rows = read(shapes.Rows(), base, happened, tmp_path)
    assert rows.equals(happened.log())
    assert found.position_shift == 1 - base
