from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.reporting.simulation import never_shown
from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.log import COLUMNS, open_log
from shoptalk.sources.clicks.simulation.click_models import Cascade, PositionBased, Trust
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
    engine = DuckDB(threads=1)
    read = open_log(engine, engine.connect(), [tmp_path / "log.parquet"])
    assert read.told == set(log.columns) <= set(COLUMNS)
    assert log["impression_id"].n_unique() == SEARCHES
    assert log.height == SEARCHES * world.list_length
    assert log.group_by("impression_id").agg(pl.col("doc_id").n_unique() == pl.len()).get_column("doc_id").all()


@pytest.mark.parametrize(("column", "attraction"), [("true", 1.0), ("near", 0.1 + 0.9 * 0.3), (None, 0.1)])
def test_clicks_are_examination_times_attraction(people, world, column, attraction):
    rows = people.filter(~pl.col("true") & ~pl.col("near") if column is None else pl.col(column))
    seen = rows.group_by("position").agg(rate=pl.col("clicked").mean(), n=pl.len()).sort("position")
    expected = world.click_model.examination(world.list_length) * attraction
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
    assert query_shares(World(zipf=2.0), domain)[[0, 1, 2]] == pytest.approx(
        [domain.traffic["d0"], domain.traffic["d1"], 0]
    )


def test_without_traffic_zipf_decides_and_a_seed_who_is_first(made):
    domain = replace(made.domain(), traffic={})
    assert query_shares(World(), domain) == pytest.approx(np.full(90, 1 / 90))
    shares = query_shares(World(zipf=1.5), domain)
    expected = 1 / np.arange(1, 91) ** 1.5
    assert np.sort(shares)[::-1] == pytest.approx(expected / expected.sum())
    assert shares.argmax() != query_shares(World(zipf=1.5, seed=1), domain).argmax()


def test_a_share_of_those_who_try_again_drift_to_what_others_ask(made, tmp_path):
    still, _ = written(made, tmp_path, World(sessions=SEARCHES, users=2_000))
    log, _ = written(made, tmp_path, World(sessions=SEARCHES, users=2_000, drift=0.3))
    assert log.drop("next_query").equals(still.drop("next_query"))
    assert (log["next_query"].is_null() == still["next_query"].is_null()).all()
    again = log.unique("impression_id").filter(pl.col("next_query").is_not_null())
    own = dict(zip((normalise(t) for t in made.domain().intents.texts), follow_ups(made.domain()), strict=True))
    drifted = again.filter(pl.col("next_query") != pl.Series([own[normalise(q)] for q in again["query_raw"]]))
    assert drifted.height / again.height == pytest.approx(0.3, abs=4.5 * np.sqrt(0.3 * 0.7 / again.height))
    assert all(normalise(q) != normalise(n) for q, n in drifted.select("query_raw", "next_query").iter_rows())
    shares = query_shares(World(), made.domain())
    from_one = drifted.filter(pl.col("query_raw").str.to_lowercase().str.starts_with("query 1 "))
    to_first = (from_one["next_query"] == "Query 0 words").mean()
    expected = shares[0] / (1 - shares[1])
    assert to_first == pytest.approx(expected, abs=4.5 * np.sqrt(expected * (1 - expected) / from_one.height))


def test_nobody_drifts_where_there_is_one_query(made, tmp_path):
    domain = made.domain()
    domain = replace(domain, intents=domain.intents.take([0]))
    with pytest.raises(InputError, match="drift"):
        simulate(domain, {"bm25": made.ranker(1), "dense": made.ranker(2)}, World(drift=0.1), tmp_path, tmp_path)


def test_another_click_model_changes_clicks_of_people_but_not_lists_or_bots(made, tmp_path):
    settings = {"sessions": 20_000, "users": 2_000, "bots": 0.1}
    first, _ = written(made, tmp_path, World(**settings))
    other, _ = written(made, tmp_path, World(**settings, click_model=Cascade()))
    lists = ["impression_id", "ts_ms", "query_raw", "doc_id", "position", "session_id", "is_bot"]
    assert first.select(lists).equals(other.select(lists))
    busy = first.group_by("session_id").agg(n=pl.col("impression_id").n_unique()).filter(pl.col("n") > 100)
    bots = [table.join(busy, on="session_id", how="semi").select(*lists, "clicked") for table in (first, other)]
    assert bots[0].height == 20_000 and bots[0].equals(bots[1])
    people = other.join(busy, on="session_id", how="anti").group_by("impression_id").agg(pl.col("clicked").sum())
    assert set(people["clicked"]) == {0, 1}


def test_a_world_is_described_by_all_that_makes_it_and_the_default_as_ever():
    described = World().description()
    assert {"eta": 1.0, "noise_click": 0.1, "sure_click": 1.0, "sessions": 300_000}.items() <= described.items()
    assert described.keys() & {"click_model", "drift", "zipf"} == set()
    others = [
        World(click_model=PositionBased(eta=2.0)), World(click_model=Trust()), World(click_model=Cascade()),
        World(drift=0.1), World(zipf=1.0), World(zipf=0.0), World(seed=1),
    ]  # fmt: skip
    assert len({str(sorted(w.description().items())) for w in (World(), *others)}) == len(others) + 1


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


@pytest.mark.parametrize(
    "bad",
    [
        {"explored": 1.5}, {"sessions": 0}, {"depth": 3}, {"drift": 2}, {"zipf": -1}, {"bot_searches": (5, 2)},
        {"sessions": 2.5}, {"users": "many"}, {"mixtures": {"both": 1.2}}, {"dwell_other": 0.0},
    ],
)  # fmt: skip
def test_impossible_worlds(bad):
    with pytest.raises(InputError, match="world"):
        World(**bad)
