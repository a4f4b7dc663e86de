"""Every rule that takes rows out, against plain loops over a random log."""

import itertools
from collections import Counter, defaultdict
from statistics import median

import numpy as np
import polars as pl
import pytest
from click_reading import counted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.clicks.cleaning import RULES, Cleaning

DAY = 86_400_000
START = 1_735_689_600_000
CORPUS = Corpus([f"d{n}" for n in range(9)], [f"D {n}" for n in range(9)], [""] * 9)
LIMITS = {
    "fold": 3, "max_session_searches": 4, "max_day_clicks": 11, "min_click_gap_s": 3.0, "max_first_rank_share": 0.8,
    "judged_clicks": 8, "duplicate_s": 7200.0, "min_query_users": 4, "max_unknown_documents": 1.0,
}  # fmt: skip


def random_log(seed, searches=250):
    random = np.random.default_rng(seed)
    rows = []
    for number in range(searches):
        user = int(random.integers(0, 14))
        ts = START + int(random.integers(0, 4)) * DAY + int(random.integers(0, 4 * 3600_000))
        if user == 13:
            ts = START + DAY + 1000 * number
        session = f"s{user}-{random.integers(0, 9)}"
        query = f"Query {int(random.zipf(1.7)) % 8}" if random.random() < 0.95 else " ?"
        for slot in range(5):
            blind = user == 12 and random.random() < 0.95
            clicked = slot == 0 if blind else bool(random.random() < 0.3)
            rows.append(
                {
                    "impression_id": f"i{number}", "ts_ms": ts, "query_raw": query, "position": slot + 1,
                    "doc_id": f"d{int(10 * random.random() ** 2)}", "clicked": clicked, "user_key": f"u{user}",
                    "session_id": session, "is_bot": bool(user == 11),
                    "click_ts_ms": ts + 500 * (slot + 1) if clicked else None,
                }
            )  # fmt: skip
    return rows


def plain_cleaning(rows, limits, days=1.0):
    """Rule to rows, and the votes (query, document, position, clicked)."""
    sessions, clicks, deepest = defaultdict(set), defaultdict(list), defaultdict(int)
    for row in rows:
        sessions[row["session_id"]].add(row["impression_id"])
        if row["clicked"]:
            clicks[row["user_key"]].append(row)
            deepest[row["impression_id"]] = max(deepest[row["impression_id"]], row["position"])
    day_clicks = Counter((user, row["ts_ms"] // DAY) for user, mine in clicks.items() for row in mine)

    def many(user):
        return len(clicks[user]) > limits["judged_clicks"]

    def gap(user):
        times = sorted(row["click_ts_ms"] for row in clicks[user])
        return median([b - a for a, b in itertools.pairwise(times)])

    def rule(row):
        user = row["user_key"]
        first = sum(r["position"] == 1 for r in clicks[user])
        checks = {
            "unknown_document": row["doc_id"] not in CORPUS.index,
            "empty_query": not normalise(row["query_raw"]),
            "flagged_bot": row["is_bot"],
            "busy_session": len(sessions[row["session_id"]]) > limits["max_session_searches"],
            "busy_day": day_clicks[user, row["ts_ms"] // DAY] > limits["max_day_clicks"],
            "hasty_clicks": many(user) and gap(user) < 1000 * limits["min_click_gap_s"],
            "first_rank_only": many(user) and first > limits["max_first_rank_share"] * len(clicks[user]),
            "not_shown": row["position"] > max(limits["fold"], deepest[row["impression_id"]]),
        }
        return next((name for name, holds in checks.items() if holds), None)

    removed, kept, users = Counter(), [], defaultdict(set)
    for row in rows:
        if name := rule(row):
            removed[name] += 1
        else:
            kept.append(row)
            users[normalise(row["query_raw"])].add(row["user_key"])
    groups = defaultdict(list)
    for row in kept:
        query = normalise(row["query_raw"])
        if len(users[query]) < limits["min_query_users"]:
            removed["rare_query"] += 1
        else:
            period = None if days is None else row["ts_ms"] // int(DAY * days)
            groups[row["user_key"], query, row["doc_id"], period].append(row)
    votes = Counter()
    for (_, query, doc, _), group in groups.items():
        group.sort(key=lambda r: (r["ts_ms"], r["position"], r["clicked"]))
        for before, row in zip([None, *group], group, strict=False):
            soon = before and row["ts_ms"] - before["ts_ms"] <= 1000 * limits["duplicate_s"]
            if before and before["clicked"] and row["clicked"] and soon:
                removed["duplicate_click"] += 1
            elif before and days is not None:
                removed["repeated_vote"] += 1
            else:
                votes[query, doc, row["position"], row["clicked"]] += 1
    return removed, votes


@pytest.mark.parametrize("days", [1.0, 2.0, None])
@pytest.mark.parametrize("seed", range(3))
def test_every_rule_equals_plain_loops(seed, days, cache, tmp_path):
    rows = random_log(seed)
    pl.DataFrame(rows).write_parquet(tmp_path / "log.parquet")
    found = counted(tmp_path / "log.parquet", CORPUS, cache, signals={}, vote_days=days, keep_removed=True, **LIMITS)
    removed, votes = plain_cleaning(rows, LIMITS, days)
    assert set(removed) == set(RULES) - {"personal_query"} - ({"repeated_vote"} if days is None else set())
    counts = {rule: n for rule, n in found.removed.items() if rule not in ("rows", "votes")}
    assert counts == removed
    assert found.removed["rows"] == len(rows) == found.removed["votes"] + sum(removed.values())
    name = dict(found.queries.select("query_id", "query").iter_rows())
    expected = defaultdict(lambda: [0, 0])
    for (query, doc, position, clicked), n in votes.items():
        expected[query, doc, position][0] += n
        expected[query, doc, position][1] += n * clicked
    assert {(name[q], d, k): [n, x] for q, d, k, n, x in found.by_position.iter_rows()} == expected
    told = pl.read_parquet(found.removed_rows)
    assert dict(told["rule"].value_counts().iter_rows()) == removed


def test_switched_off_rules_take_nothing(cache, tmp_path):
    off = dict.fromkeys(("max_session_searches", "max_day_clicks", "min_click_gap_s", "max_first_rank_share"))
    pl.DataFrame(random_log(0)).write_parquet(tmp_path / "log.parquet")
    found = counted(tmp_path / "log.parquet", CORPUS, cache, signals={}, **(LIMITS | off))
    assert not {"busy_session", "busy_day", "hasty_clicks", "first_rank_only"} & set(found.removed)


def test_anonymity_without_people_counts_lists(cache, tmp_path):
    rows = [{"impression_id": f"i{n}", "ts_ms": n, "query_raw": q, "doc_id": "d1", "position": 1, "clicked": n % 2 == 0}
            for n, q in enumerate(["often"] * 5 + ["rare"] * 2)]  # fmt: skip
    pl.DataFrame(rows).write_parquet(tmp_path / "log.parquet")
    found = counted(tmp_path / "log.parquet", CORPUS, cache, min_query_users=3)
    assert found.removed == {"rows": 7, "votes": 5, "rare_query": 2}
    assert found.support.rows() == [(0, "d1", 5, 3)]


@pytest.mark.parametrize("wrong", [{"fold": 0}, {"vote_days": 0}, {"min_query_users": 0}, {"max_first_rank_share": 2}])
def test_impossible_limits(wrong):
    with pytest.raises(InputError, match=rf"cleaning\.{next(iter(wrong))}"):
        Cleaning(**wrong)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), searches=st.integers(1, 30), people=st.booleans())
def test_no_row_is_lost_uncounted(seed, searches, people, cache, tmp_path_factory):
    table = pl.DataFrame(random_log(seed, searches))
    path = tmp_path_factory.mktemp("log") / "log.parquet"
    (table if people else table.drop("user_key", "session_id")).write_parquet(path)
    try:
        found = counted(path, CORPUS, cache, **(LIMITS | {"min_query_users": 2}))
    except InputError as error:
        assert "no row of the click log survives" in str(error)
        return
    assert table.height == sum(n for rule, n in found.removed.items() if rule != "rows")
    assert found.by_position["impressions"].sum() == found.removed["votes"]
