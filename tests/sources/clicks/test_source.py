"""The reader against plain loops over a random log."""

from collections import Counter, defaultdict
from itertools import groupby

import numpy as np
import polars as pl
import pytest
from click_reading import click_source

from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.clicks.cleaning import Cleaning
from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.propensity.regression import RegressionEM
from shoptalk.sources.clicks.selection import Selection, Support
from shoptalk.sources.clicks.source import features_of
from shoptalk.sources.pairs import SCHEMA, Ground

DAY = 86_400_000
NAMES = ("Query 1", "query 1 ", "QUERY 1?", "Query 2", "query 2", "q-3", "q 3", "?!")


def random_log(seed, searches=400):
    """Lists of 6 with bots, strangers, missing users and repeats."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(searches):
        session = int(random.integers(0, 120)) if random.random() < 0.6 else 1000 + int(random.random() < 0.3)
        extra = {
            "session_id": None if random.random() < 0.2 else f"s{session}",
            "user_key": None if random.random() < 0.3 else f"u{random.integers(0, 15)}",
            "is_bot": [None, False, True][random.choice(3, p=[0.3, 0.6, 0.1])],
        }
        ts, query = int(random.integers(0, 5 * DAY)), NAMES[random.choice(len(NAMES))]
        documents = random.choice(12, 6, replace=False)
        for slot, doc in enumerate(documents):
            name = f"d{doc}" if doc < 11 else "stranger"
            dwell = {"dwell_s": [None, 5.0, 29.9, 30.0, 200.0][random.integers(0, 5)]}
            rows.append((f"i{number}", ts, query, name, slot + 1, bool(random.random() < 0.3), extra | dwell))
    return rows


def plain_reader(rows, doc_ids, fold, most):
    """Rule counts, and (query, document) to the votes (user, position, clicked): the reader as loops."""
    searches, deepest = defaultdict(set), defaultdict(int)
    for impression, _, _, _, position, clicked, extra in rows:
        searches[extra["session_id"]].add(impression)
        if clicked:
            deepest[impression] = max(deepest[impression], position)
    removed, kept = Counter(), []
    for impression, ts, query, doc, position, clicked, extra in rows:
        session = extra["session_id"]
        if doc not in doc_ids:
            removed["unknown_document"] += 1
        elif not normalise(query):
            removed["empty_query"] += 1
        elif extra["is_bot"]:
            removed["flagged_bot"] += 1
        elif session is not None and len(searches[session]) > most:
            removed["busy_session"] += 1
        elif position > max(fold, deepest[impression]):
            removed["not_shown"] += 1
        else:
            user = ("u", extra["user_key"]) if extra["user_key"] else ("s", session) if session else ("i", impression)
            satisfied = clicked and (extra["dwell_s"] is None or extra["dwell_s"] >= 30)
            kept.append(((user, normalise(query), doc, ts // DAY), (ts, impression, position, satisfied, clicked)))
    votes = defaultdict(list)
    kept.sort(key=repr_key)
    for (user, query, doc, _), group in groupby(kept, key=lambda row: row[0]):
        first, *others = sorted((entry for _, entry in group), key=lambda e: (e[0], e[2], e[4], e[3]))
        removed["repeated_vote"] += len(others)
        votes[query, doc].append((user, first[2], first[3]))
    return removed, votes


def repr_key(row):
    return repr(row[0])


@pytest.mark.parametrize("seed", range(4))
def test_aggregates_equal_plain_loops(seed, made, ground, tmp_path):
    rows = random_log(seed)
    made.log_table(rows).write_parquet(tmp_path / "log.parquet")
    read = click_source(tmp_path / "log.parquet").read("mine", ground)
    removed, votes = plain_reader(rows, set(ground.domain.corpus.ids), fold=4, most=5)
    assert len(removed) == 6
    assert {rule: read.counts[rule] for rule in removed} == removed
    assert read.counts["rows"] == len(rows) == read.counts["votes"] + sum(removed.values())
    spellings = spelling_by_frequency(rows)
    rates = {}
    for (query, doc), ballots in votes.items():
        weighted = sum(1 / max(1 / position, 0.1) for _, position, clicked in ballots if clicked)
        if weighted:
            rates[spellings[query], doc] = weighted / len(ballots)
    middle = np.median(list(rates.values()))
    expected = {key: min(max(rate / middle, 1 / 3), 3) for key, rate in rates.items()}
    mean = np.mean(list(expected.values()))
    found = {(q, d): w for q, d, w in read.pairs.select("query", "doc_id", "weight").iter_rows()}
    assert found.keys() == expected.keys()
    assert [found[k] for k in expected] == pytest.approx([w / mean for w in expected.values()], rel=1e-5)


@pytest.mark.parametrize("seed", range(2))
def test_scores_users_and_reasons_equal_plain_loops(seed, made, ground, tmp_path):
    from scipy.stats import gamma

    rows = random_log(seed)
    made.log_table(rows).write_parquet(tmp_path / "log.parquet")
    support, selection = Support(impressions=5, clickers=3, examinations=2.5), Selection(min_score=0.35)
    read = click_source(tmp_path / "log.parquet", support=support, selection=selection).read("mine", ground)
    _, votes = plain_reader(rows, set(ground.domain.corpus.ids), fold=4, most=5)
    clicks = sum(c for ballots in votes.values() for _, _, c in ballots)
    looks = sum(1 / p for ballots in votes.values() for _, p, _ in ballots)
    reasons, kept = Counter(), set()
    for key, ballots in votes.items():
        n, x, seen = len(ballots), sum(c for _, _, c in ballots), sum(1 / p for _, p, _ in ballots)
        bound = gamma.ppf(0.1, x + clicks / looks, scale=1 / (seen + 1))
        if not x:
            reasons["pairs_never_clicked"] += 1
        elif n < 5:
            reasons["pairs_few_impressions"] += 1
        elif len({user for user, _, c in ballots if c}) < 3:
            reasons["pairs_few_clickers"] += 1
        elif seen < 2.5:
            reasons["pairs_few_examinations"] += 1
        elif bound < 0.35:
            reasons["pairs_low_score"] += 1
        else:
            kept.add(key)
    assert kept
    assert {(normalise(q), d) for q, d in read.pairs.select("query", "doc_id").iter_rows()} == kept
    assert {r: read.counts[r] for r in reasons} == reasons
    assert read.counts["pairs_shown"] == len(votes) == read.counts["pairs"] + sum(reasons.values())
    assert read.rejected.height == read.counts["pairs_clicked"] - read.counts["pairs"]
    assert set("pairs_" + read.rejected["reason"]) == set(reasons) - {"pairs_never_clicked"}


def spelling_by_frequency(rows):
    counts = Counter(row[2] for row in rows)
    best = {}
    for raw, _ in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])):
        best.setdefault(normalise(raw), raw)
    return best


def test_the_order_of_rows_the_format_and_the_threads_change_nothing(made, ground, tmp_path):
    table = made.log_table(random_log(7))
    table.write_parquet(tmp_path / "log.parquet")
    table.sample(fraction=1, shuffle=True, seed=1).write_csv(tmp_path / "log.csv")
    table.sample(fraction=1, shuffle=True, seed=2).write_ndjson(tmp_path / "log.jsonl")
    first = click_source(tmp_path / "log.parquet").read("mine", ground)
    for path, threads in ((tmp_path / "log.csv", 2), (tmp_path / "log.jsonl", 1)):
        other = click_source(path, engine=DuckDB(threads=threads)).read("mine", ground)
        assert other.pairs.equals(first.pairs)
        assert other.counts == first.counts


def test_pairs_have_the_schema_and_mean_weight_one(made, ground, tmp_path):
    made.log_table(random_log(3)).write_parquet(tmp_path / "log.parquet")
    pairs = click_source(tmp_path / "log.parquet").read("mine", ground).pairs
    assert pairs.schema == SCHEMA
    assert pairs["weight"].mean() == pytest.approx(1)
    assert pairs["weight"].max() <= 9.001 * pairs["weight"].min()
    assert set(pairs["source"]) == {"mine"}
    assert pairs["query_kind"].null_count() == pairs.height
    assert not pairs.select("query", "doc_id").is_duplicated().any()


def test_viewed_decides_where_the_log_has_it(made, ground, tmp_path):
    rows = [("i1", 0, "a", f"d{k}", k, k == 3, {"viewed": k in (1, 7)}) for k in range(1, 9)]
    made.log_table(rows).write_parquet(tmp_path / "log.parquet")
    assert click_source(tmp_path / "log.parquet").read("mine", ground).counts["not_shown"] == 5


def test_given_propensities_are_stamped_as_assumed(made, ground, tmp_path):
    made.log_table(random_log(1)).write_parquet(tmp_path / "log.parquet")
    theta = [1, 0.5, 0.4, 0.3, 0.2, 0.1]
    read = click_source(tmp_path / "log.parquet", propensity=Given(theta=theta)).read("x", ground)
    assert "assumed" in read.notices[0]
    with pytest.raises(InputError, match="reaches rank"):
        click_source(tmp_path / "log.parquet", propensity=Given(theta=[1, 0.5])).read("x", ground)


def test_without_position_bias_the_effective_sample_is_the_sample(made, ground, tmp_path):
    made.log_table(random_log(1)).write_parquet(tmp_path / "log.parquet")
    flat = click_source(tmp_path / "log.parquet", propensity=Given(eta=0)).read("x", ground).counts
    steep = click_source(tmp_path / "log.parquet", propensity=Given(eta=2)).read("x", ground).counts
    assert flat["effective_clicks"] == flat["clicks"] == steep["clicks"] > steep["effective_clicks"]


def test_where_the_log_comes_from(made, ground, cache, tmp_path):
    made.log_table(random_log(1)).write_parquet(tmp_path / "log.parquet")
    path = tmp_path / "log.parquet"
    simulated = Ground(ground.domain, None, cache, 0, simulated_log=lambda: path)
    assert "simulated" in click_source().read("x", simulated).notices[0]
    assert click_source().read("x", simulated).simulated and not click_source(path).read("x", simulated).simulated
    assert click_source().read("x", simulated).pairs.equals(click_source(path).read("x", ground).pairs)
    object.__setattr__(ground.domain, "log", path)
    assert click_source().read("x", ground).pairs.height
    object.__setattr__(ground.domain, "log", None)
    with pytest.raises(InputError, match=r"data\.sources\.x\.log is not set"):
        click_source().read("x", ground)


def test_statistics_are_cached_by_content_and_cleaning(made, ground, cache, tmp_path):
    path = tmp_path / "log.parquet"
    made.log_table(random_log(1)).write_parquet(path)
    click_source(path).read("x", ground)
    click_source(path, propensity=Given(eta=0.5)).read("x", ground)
    assert len(list((cache.root / "clicks").iterdir())) == 1
    click_source(path, cleaning=Cleaning(fold=5, max_session_searches=5, min_query_users=1)).read("x", ground)
    made.log_table(random_log(2)).write_parquet(path)
    click_source(path).read("x", ground)
    assert len(list((cache.root / "clicks").iterdir())) == 3


def test_selection_limits_keep_the_best(made, ground, tmp_path):
    made.log_table(random_log(5)).write_parquet(tmp_path / "log.parquet")
    every = click_source(tmp_path / "log.parquet").read("x", ground)
    one = click_source(tmp_path / "log.parquet", selection=Selection(min_score=None, per_query=1)).read("x", ground)
    assert one.pairs.height == every.pairs["query"].n_unique() == one.pairs["query"].n_unique()
    few = click_source(tmp_path / "log.parquet", selection=Selection(min_score=None, max_pairs=5)).read("x", ground)
    assert few.pairs.height == 5
    left_out = few.rejected.filter(pl.col("reason") == "beyond_max_pairs")["score"]
    kept = every.pairs.height - left_out.len()
    assert kept == 5
    assert few.rejected["score"].max() <= 1.5


def test_regression_learns_from_the_models_embeddings(made, ground, tmp_path):
    """The features of a pair are parts of its cosine."""
    rows = random_log(4, searches=1200)
    made.log_table(rows).write_parquet(tmp_path / "log.parquet")
    random = np.random.default_rng(0)
    vectors = {}

    def embed(texts, kind):
        for text in texts:
            vectors.setdefault((text, kind), random.standard_normal(48).astype(np.float32))
        found = np.array([vectors[text, kind] for text in texts])
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    knowing = Ground(ground.domain, embed, ground.cache, 0)
    source = click_source(tmp_path / "log.parquet", propensity=RegressionEM(rounds=5, min_pairs=5))
    assert source.read("x", knowing).pairs.height
    queries = pl.DataFrame({"query_id": [3, 4], "query": ["a", "b"], "spelling": ["A", "B"]})
    pairs = pl.DataFrame({"query_id": [4, 3, 4], "doc_id": ["d1", "d2", "d2"]})
    parts = features_of(embed, queries, ground.domain.corpus)(pairs)
    left = embed(["B", "A", "B"], "query")
    right = embed([ground.domain.corpus.passages[n] for n in (1, 2, 2)], "document")
    assert parts.shape == (3, 32) and parts.sum(axis=1) == pytest.approx((left * right).sum(axis=1), abs=1e-5)
