"""Query chains against plain loops, and what they may and may not carry over."""

from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from click_reading import click_source, counted

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.clicks.chains import Chains
from shoptalk.sources.clicks.cleaning import Cleaning
from shoptalk.sources.clicks.selection import Selection, Support

NAMES = ("pink eye", "Pink Eye ", "conjunctivitis", "red eye", "sore eye")


def random_log(made, seed, searches=300):
    random = np.random.default_rng(seed)
    rows = []
    for number in range(searches):
        after = {
            "user_key": f"u{random.integers(0, 12)}",
            "is_bot": bool(random.random() < 0.1),
            "next_query": [None, "nobody asked this", *NAMES][random.integers(0, 7)],
            "next_query_gap_s": [None, 10.0, 299.0, 301.0][random.integers(0, 4)],
        }
        query = NAMES[random.integers(0, len(NAMES))]
        for slot, doc in enumerate(random.choice(20, 3, replace=False)):
            clicked = bool(random.random() < 0.3)
            dwell = {"dwell_s": [None, 10.0, 60.0][random.integers(0, 3)] if clicked else None}
            rows.append((f"i{number}", number, query, f"d{doc}", slot + 1, clicked, after | dwell))
    return made.log_table(rows)


def plain_links(table, max_gap_s):
    people, unmet = defaultdict(set), {}
    for row in table.iter_rows(named=True):
        if row["is_bot"]:
            continue
        satisfied = row["clicked"] and (row["dwell_s"] is None or row["dwell_s"] >= 30)
        unmet[row["impression_id"]] = unmet.get(row["impression_id"], True) and not satisfied
    asked = {normalise(q) for q in table["query_raw"]}
    for row in table.filter(~pl.col("is_bot")).iter_rows(named=True):
        gap, following = row["next_query_gap_s"], normalise(row["next_query"] or "")
        near = max_gap_s is None or (gap is not None and gap <= max_gap_s)
        pair = frozenset({normalise(row["query_raw"]), following})
        if unmet[row["impression_id"]] and near and following in asked and len(pair) == 2:
            people[pair].add(row["user_key"])
    return {pair: len(users) for pair, users in people.items()}


@pytest.mark.parametrize("max_gap_s", [300.0, None])
@pytest.mark.parametrize("seed", range(3))
def test_links_equal_plain_loops(made, cache, tmp_path, seed, max_gap_s):
    table = random_log(made, seed)
    table.write_parquet(tmp_path / "log.parquet")
    corpus = Corpus([f"d{i}" for i in range(20)], [f"d{i}" for i in range(20)], [""] * 20)
    statistics = counted(tmp_path / "log.parquet", corpus, cache, chained=True, max_gap_s=max_gap_s)
    found, name = statistics.links, dict(statistics.queries.select("query_id", "query").iter_rows())
    expected = plain_links(table, max_gap_s)
    assert expected and {frozenset({name[a], name[b]}): n for a, b, n in found.iter_rows()} == expected
    assert (found["query_id"] < found["other_id"]).all()


def carried(kept, joined, **options):
    schema = {"query_id": pl.Int32, "doc_id": pl.String, "score": pl.Float64}
    table = pl.DataFrame(kept, schema=schema, orient="row")
    linked = pl.DataFrame(joined, schema={"query_id": pl.Int32, "other_id": pl.Int32, "users": pl.Int64}, orient="row")
    return Chains(**options).carried(table, linked).rows()


def test_a_query_takes_over_what_its_link_found_either_way():
    assert carried([(1, "a", 0.9)], [(0, 1, 2), (1, 2, 3)]) == [(0, "a", 2), (2, "a", 3)]


def test_a_query_with_a_pair_of_its_own_takes_over_nothing():
    assert carried([(0, "b", 0.6), (1, "a", 0.9)], [(0, 1, 9)]) == []


def test_nothing_is_carried_over_by_too_few_people_or_two_steps_or_when_switched_off():
    assert carried([(1, "a", 0.9)], [(0, 1, 1)]) == []
    assert carried([(1, "a", 0.9)], [(0, 1, 1)], users=1) == [(0, "a", 1)]
    assert carried([(3, "a", 0.9)], [(1, 2, 5), (2, 3, 5)]) == [(2, "a", 5)]
    assert carried([(1, "a", 0.9)], [(0, 1, 5)], users=None) == []


def test_most_people_decide_then_the_better_score():
    kept = [(1, "a", 0.9), (2, "b", 0.6), (3, "b", 0.7), (5, "c", 0.6), (5, "d", 0.8)]
    assert carried(kept, [(0, 1, 3), (0, 2, 2), (0, 3, 2), (4, 5, 2)]) == [(0, "b", 4), (4, "d", 2)]


def test_the_source_weighs_names_and_counts_what_was_carried_over(made, ground, tmp_path):
    """Nobody finds d7 by "sore eye"; who goes on to "conjunctivitis" does."""
    rows = []
    for number in range(12):
        lost = {"user_key": f"u{number}", "next_query": "conjunctivitis", "next_query_gap_s": 20.0}
        rows += [(f"a{number}", number, "Sore eye", "d1", 1, False, lost)]
        rows += [
            (f"b{number}", number + 50, "conjunctivitis", "d7", 1, True, {"user_key": f"u{number}", "dwell_s": 60.0})
        ]
    made.log_table(rows).write_parquet(tmp_path / "log.parquet")
    source = click_source(
        tmp_path / "log.parquet", cleaning=Cleaning(), support=Support(), selection=Selection(), chains=Chains(weight=3)
    )
    read = source.read("clicks", ground)
    weights = {(q, d): w for q, d, w in read.pairs.select("query", "doc_id", "weight").iter_rows()}
    assert weights.keys() == {("conjunctivitis", "d7"), ("Sore eye", "d7")}
    assert weights["Sore eye", "d7"] == pytest.approx(3 * weights["conjunctivitis", "d7"])
    assert read.counts["pairs_carried_over"] == 1 and read.counts["pairs"] == 1


@pytest.mark.parametrize("wrong", [{"users": 0}, {"max_gap_s": -1}, {"weight": 0}, {"weight": float("inf")}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError, match=rf"chains\.{next(iter(wrong))}"):
        Chains(**wrong)
