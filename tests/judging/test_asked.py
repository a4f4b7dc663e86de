"""What people asked: from a log, against a naive count, and from files."""

from collections import defaultdict

import polars as pl
import pytest

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.judging.asked import from_file, from_log
from shoptalk.sources.clicks.cleaning import Cleaning
from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.privacy import Privacy
from shoptalk.sources.clicks.statistics import LogFiles

CORPUS = Corpus(["a", "b", "c"], ["A", "B", "C"], ["", "", ""])


def log_of(folder, searches, **columns):
    """A log of (query, user, bot) lists of documents a and b."""
    rows = [
        {"impression_id": f"i{n}", "ts_ms": 1_700_000_000_000 + n, "query_raw": query, "doc_id": doc_id,
         "position": place, "clicked": False, "user_key": user, "is_bot": bot}
        for n, (query, user, bot) in enumerate(searches)
        for place, doc_id in enumerate(("a", "b"), start=1)
    ]  # fmt: skip
    table = pl.DataFrame(rows).cast({"position": pl.Int16})
    path = folder / "log.parquet"
    table.with_columns(**columns).write_parquet(path)
    return LogFiles(path, [path])


def read(files, **cleaning):
    return from_log(files, CORPUS, Cleaning(**({"min_query_users": 1} | cleaning)), Privacy(), DuckDB(threads=1))


def test_searches_of_people_are_counted_once_each(tmp_path):
    searches = [
        (q, f"u{n % 5}", n % 11 == 0) for n, q in enumerate(["Heart attack", "heart  attack?", "MI", "flu"] * 9)
    ]
    expected = defaultdict(int)
    for query, _, bot in searches:
        expected[normalise(query)] += not bot
    asked = read(log_of(tmp_path, searches))
    assert {normalise(q): n for q, n in asked.table.iter_rows()} == expected
    assert asked.counted and "the log flags its searcher as a bot" in asked.notices[0]
    assert f"{2 * sum(bot for *_, bot in searches)} because" in asked.notices[0]


def test_rare_queries_and_personal_data_stay_out(tmp_path):
    searches = [("flu", "u1", False), ("flu", "u2", False), ("my rash", "u1", False), ("my rash", "u1", False)]
    searches += [("mail to jo@example.org", f"u{n}", False) for n in range(3)]
    asked = read(log_of(tmp_path, searches), min_query_users=2)
    assert dict(asked.table.iter_rows()) == {"flu": 2, "mail to [email]": 3}
    assert "4 because too few people asked" in asked.notices[0]  # rows: two searches of two documents


def test_a_row_may_stand_for_many_searches(tmp_path):
    files = log_of(tmp_path, [("flu", "u1", False), ("mi", "u2", False)], weight=pl.lit(5.0))
    assert dict(read(files).table.iter_rows()) == {"flu": 5, "mi": 5}


def test_a_log_without_a_search_of_people(tmp_path):
    with pytest.raises(InputError, match=r"log.parquet: no search .* rule flagged_bot"):
        read(log_of(tmp_path, [("flu", "u1", True)]))


def test_judged_queries_are_left_out_and_counted(tmp_path):
    asked = read(log_of(tmp_path, [("flu", "u1", False)] * 3 + [("mi", "u2", False)]))
    left = asked.without({"flu"})
    assert left.table["query"].to_list() == ["mi"]
    assert (
        left.notices[-1]
        == "1 queries with 75.0% of the searches are judged in the domain already and are not drawn from."
    )
    assert asked.without({"other"}) is asked
    with pytest.raises(InputError, match="judged=true"):
        asked.without({"flu", "mi"})


def test_lines_of_a_file(tmp_path):
    path = tmp_path / "queries.txt"
    path.write_text('\ufeffHeart attack\n\n  heart ATTACK? \nשלום, "x"\n!\n', encoding="utf-8")
    asked = from_file(path)
    assert asked.table["query"].to_list() == ["Heart attack", 'שלום, "x"'] and not asked.counted
    assert "1 queries stand there in another spelling" in asked.notices[0]


def test_a_csv_file_with_counts(tmp_path):
    path = tmp_path / "queries.csv"
    path.write_text('searches;query;note\n7;flu;x\n2.5;"a;b";y\n1;FLU;z\n')
    assert dict(from_file(path).table.iter_rows()) == {"a;b": 2.5, "flu": 8}
    assert from_file(path).counted


@pytest.mark.parametrize(
    "text, words",
    [
        ("query,searches\nflu,0\n", "row 2, column 'searches': '0' is no number above 0"),
        ("query,searches\nflu,1\nmi,many\n", "row 3, column 'searches'"),
        ("query,searches\nflu,inf\n", "row 2, column 'searches'"),
        ("text\nflu\n", "column 'query': is missing"),
        ("query\nflu,1,2\n", "row 2: has more cells"),
        ('query\n"flu\n', "not valid CSV"),
        ("query\n \n", "holds no query"),
        ("", "column 'query': is missing"),
    ],
)
def test_wrong_csv_files(tmp_path, text, words):
    path = tmp_path / "queries.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"queries\.csv") as error:
        from_file(path)
    assert words in str(error.value)


def test_a_missing_file():
    with pytest.raises(InputError, match=r"/nowhere\.csv cannot be read"):
        from_file("/nowhere.csv")
