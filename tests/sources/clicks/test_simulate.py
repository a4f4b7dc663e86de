import numpy as np
import polars as pl
import pytest

from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.reporting.simulation import never_shown
from shoptalk.sources.clicks.log import COLUMNS, Engine, open_log
from shoptalk.sources.clicks.simulation.searches import follow_ups, query_shares, respellings
from shoptalk.sources.clicks.simulation.simulate import simulate
from shoptalk.sources.clicks.simulation.world import World

SEARCHES = 20_000


def written(made, folder, world):
    rankers = {"bm25": made.ranker(1), "dense": made.ranker(2)}
    simulate(made.domain(), rankers, world, folder / "log.parquet", folder / "truth.parquet")
    return pl.read_parquet(folder / "log.parquet"), pl.read_parquet(folder / "truth.parquet")


@pytest.fixture(scope="module")
def world():
    return World(sessions=SEARCHES, users=2_000)


@pytest.fixture(scope="module")
def simulated(made, world, tmp_path_factory):
    return written(made, tmp_path_factory.mktemp("log"), world)


@pytest.fixture(scope="module")
def people(simulated):
    """Rows of people, with the relevance of the document; bots are told by their many searches."""
    log, truth = simulated
    busy = log.group_by("session_id").agg(n=pl.col("impression_id").n_unique()).filter(pl.col("n") > 100)
    log = log.join(busy, on="session_id", how="anti")
    key = pl.col("query_raw").map_elements(normalise, return_dtype=pl.String)
    true = truth.select(key=pl.col("query").map_elements(normalise, return_dtype=pl.String), doc_id="doc_id", true=True)
    near = true.with_columns(doc_id="d" + ((pl.col("doc_id").str.slice(1).cast(pl.Int32) + 1) % 120).cast(pl.String))
    near = near.rename({"true": "near"})
    rows = log.with_columns(key=key).join(true, on=["key", "doc_id"], how="left")
    rows = rows.join(near, on=["key", "doc_id"], how="left")
    return rows.with_columns(pl.col("true", "near").fill_null(False))


def test_the_log_follows_its_own_schema(simulated, world, made, tmp_path):
    log, _ = simulated
    log.write_parquet(tmp_path / "log.parquet")
    connection = Engine(threads=1).connect()
    assert open_log(connection, tmp_path / "log.parquet").columns == tuple(COLUMNS)
    assert log["impression_id"].n_unique() == SEARCHES
    assert log.height == SEARCHES * world.list_length
    assert log.group_by("impression_id").agg(pl.col("doc_id").n_unique() == pl.len()).get_column("doc_id").all()


@pytest.mark.parametrize(("column", "attraction"), [("true", 1.0), ("near", 0.1 + 0.9 * 0.3), (None, 0.1)])
def test_clicks_are_examination_times_attraction(people, world, column, attraction):
    rows = people.filter(~pl.col("true") & ~pl.col("near") if column is None else pl.col(column))
    seen = rows.group_by("position").agg(rate=pl.col("clicked").mean(), n=pl.len()).sort("position")
    expected = world.examination() * attraction
    error = np.sqrt(expected * (1 - expected) / seen["n"].to_numpy())
    assert (np.abs(seen["rate"].to_numpy() - expected) <= 4.5 * error + 1e-12).all()


def test_exploration_reaches_deep_ranks_in_its_share_of_lists(made, tmp_path):
    quiet, _ = written(made, tmp_path, World(sessions=SEARCHES, explored=0.0, mixture_noise=0.0, users=2_000))
    log, _ = written(made, tmp_path, World(sessions=SEARCHES, mixture_noise=0.0, users=2_000))
    same = ["impression_id", "position", "ranker_id"]
    assert quiet.select(same).equals(log.select(same))
    differs = log.with_columns(other=quiet["doc_id"]).with_columns(pl.col("doc_id") != pl.col("other"))
    changed = differs.group_by("impression_id").agg(pl.col("doc_id").sum())
    assert set(changed["doc_id"]) == {0, 1}
    assert changed["doc_id"].mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 / SEARCHES))


def test_bots_are_busy_blind_to_relevance_and_partly_flagged(made, tmp_path):
    log, _ = written(made, tmp_path, World(sessions=100_000, users=2_000))
    sessions = log.group_by("session_id").agg(
        n=pl.col("impression_id").n_unique(), flag=pl.col("is_bot").any(), whole=pl.col("is_bot").n_unique() == 1
    )
    busy = sessions.filter(pl.col("n") > 100)
    assert busy["n"].sum() == 3_000
    assert busy["n"].min() >= 120
    assert 0 < busy["flag"].mean() < 1
    assert sessions["whole"].all()
    assert not sessions.filter(pl.col("n") <= 100)["flag"].any()
    by_bots = log.join(busy, on="session_id", how="semi").group_by("position").agg(pl.col("clicked").mean())
    assert by_bots["clicked"].to_numpy() == pytest.approx(0.4, abs=0.05)


def test_dwell_is_censored_at_last_clicks_and_longer_on_what_is_relevant(people, simulated, world):
    clicks = simulated[0].filter("clicked")
    assert clicks["dwell_s"].is_null().mean() == pytest.approx(world.dwell_censored, abs=0.02)
    unseen = clicks.filter(pl.col("dwell_s").is_null())
    assert unseen["last_click"].all()
    assert unseen["next_query"].is_null().all()
    assert people.filter(~pl.col("clicked"))["dwell_s"].is_null().all()
    dwell = people.filter(pl.col("dwell_s").is_not_null())
    assert dwell.filter("true")["dwell_s"].median() == pytest.approx(90, rel=0.1)
    assert dwell.filter(~pl.col("true") & ~pl.col("near"))["dwell_s"].median() == pytest.approx(15, rel=0.1)


def test_the_unsatisfied_try_again_more_often(people, world):
    searches = people.group_by("impression_id").agg(
        sat=(pl.col("clicked") & pl.col("true")).any(), again=pl.col("next_query").is_not_null().any()
    )
    rate = dict(searches.group_by("sat").agg(pl.col("again").mean()).iter_rows())
    assert rate[True] == pytest.approx(world.reformulated_satisfied, abs=0.02)
    assert rate[False] == pytest.approx(world.reformulated_otherwise, abs=0.02)


def test_truth_is_apart_and_counts_what_was_asked_and_shown(simulated):
    log, truth = simulated
    assert not any(str(value).startswith("intent-") for column in log.columns for value in log[column].head(500))
    keyed = log.with_columns(key=pl.Series([normalise(q) for q in log["query_raw"]]))
    for row in truth.sample(25, seed=0).iter_rows(named=True):
        lists = keyed.filter(pl.col("key") == normalise(row["query"]))
        assert lists["impression_id"].n_unique() == row["times_asked"]
        assert lists.filter(pl.col("doc_id") == row["doc_id"]).height == row["times_shown"]
    shown = set(keyed.select("key", "doc_id").unique().iter_rows())
    missing = [(normalise(q), d) not in shown for q, d in truth.select("query", "doc_id").iter_rows()]
    asked = set(keyed["key"])
    assert never_shown(truth) == {
        "intents": 90,
        "asked": 60,
        "of_all": pytest.approx(sum(missing) / 90),
        "of_asked": pytest.approx((sum(missing) - 30) / 60),
    }
    assert len(asked) == 60


def test_same_seed_same_log_and_another_seed_another(made, tmp_path):
    first, truth = written(made, tmp_path, World(sessions=500))
    again, same_truth = written(made, tmp_path, World(sessions=500))
    other, _ = written(made, tmp_path, World(sessions=500, seed=1))
    assert first.equals(again)
    assert truth.equals(same_truth)
    assert not first.equals(other)


def test_traffic_is_shared_by_the_queries_of_a_document(made):
    domain = made.domain()
    assert query_shares(domain)[[0, 1, 2]] == pytest.approx([domain.traffic["d0"], domain.traffic["d1"], 0])


def test_respelling_never_changes_the_query():
    texts = ["AMoL", "4th finger", "ẞtraße ŉ", "ǰ", "what?", "İx"]
    for spelt, text in zip(respellings(texts), texts * 7, strict=True):
        assert normalise(spelt) == normalise(text)


def test_follow_ups_use_other_words(made):
    assert follow_ups(made.domain())[5] == "Query 5"


def test_no_intents_no_log(made, tmp_path):
    domain = made.domain()
    object.__setattr__(domain, "intents", None)
    with pytest.raises(InputError, match="no intents"):
        simulate(domain, {}, World(), tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("bad", [{"explored": 1.5}, {"sessions": 0}, {"depth": 3}])
def test_impossible_worlds(bad):
    with pytest.raises(InputError, match="world"):
        World(**bad)
