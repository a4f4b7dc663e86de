"""DuckDB and Spark give the same counts of the same log."""

import shutil

import polars as pl
import pytest
from click_reading import counted
from polars.testing import assert_frame_equal

from shoptalk.cache import Cache
from shoptalk.errors import InputError
from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.relevance import Evidence, PosteriorLowerBound
from shoptalk.sources.clicks.signals import Dwell, DwellByLength, NotLast, Reformulated
from shoptalk.sources.clicks.simulation.simulate import simulate
from shoptalk.sources.clicks.simulation.world import World
from shoptalk.sources.clicks.spark import Spark

SIGNALS = {
    "dwell": Dwell(),
    "length": DwellByLength(weight=0.5),
    "next": Reformulated(weight=0.7),
    "last": NotLast(weight=0.9),
}
TABLES = ("queries", "by_position", "support", "links", "lists")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_duckdb_and_spark_agree(kind, made, tmp_path):
    pytest.importorskip("pyspark")
    assert shutil.which("java"), "Spark needs Java 17 or 21"
    domain, path = made.domain(), tmp_path / f"log.{kind}"
    rankers = {"bm25": made.ranker(1), "dense": made.ranker(2)}
    simulate(
        domain,
        rankers,
        World(sessions=3_000, users=400, drift=0.5),
        tmp_path / "log.parquet",
        tmp_path / "truth.parquet",
    )
    table = pl.read_parquet(tmp_path / "log.parquet")
    {"csv": table.write_csv, "jsonl": table.write_ndjson, "parquet": table.write_parquet}[kind](path)
    options = {"signals": SIGNALS, "chained": True, "max_gap_s": 300.0, "lists": True, "min_query_users": 2}
    options |= {"keep_removed": True, "max_session_searches": 20}
    found = [
        counted(path, domain.corpus, Cache(tmp_path / name), engine=engine, **options)
        for name, engine in (("duckdb", DuckDB(threads=1)), ("spark", Spark(master="local[2]")))
    ]
    assert found[0].removed == found[1].removed and found[0].told == found[1].told
    assert found[0].capability == found[1].capability
    for name in TABLES:
        one, other = (getattr(f, name) for f in found)
        assert one.height and one.columns == other.columns
        assert_frame_equal(one, other, check_exact=False, rel_tol=1e-9, abs_tol=0)
    removed = [pl.read_parquet(f.removed_rows).sort("impression_id", "doc_id", "rule") for f in found]
    assert_frame_equal(*removed)
    scores = [
        PosteriorLowerBound().score(Evidence.of(f.observed(), AllPairs(min_pairs=5).estimate(f.observed())))
        for f in found
    ]
    assert scores[0] == pytest.approx(scores[1], rel=1e-9)


def test_without_pyspark_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)
    monkeypatch.setitem(__import__("sys").modules, "pyspark.errors", None)
    with pytest.raises(InputError, match=r"pip install 'shoptalk\[spark\]'"):
        Spark().connect()
