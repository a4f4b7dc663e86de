"""Doubts about clicks, against plain loops, and when a log cannot serve them."""

import numpy as np
import polars as pl
import pytest
from click_reading import counted

from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.sources.clicks.signals import (
    Dwell,
    DwellByLength,
    NotLast,
    Reformulated,
    Returned,
    Signals,
    similarity,
)

TEXTS = [" ".join(["word"] * (1 + 3 * n)) for n in range(10)]
CORPUS = Corpus([f"d{n}" for n in range(10)], TEXTS, [""] * 10)
NEXT = [None, "pink eye drops", "conjunctivitis"]


def random_log(seed, searches=200):
    random = np.random.default_rng(seed)
    rows = []
    for number in range(searches):
        after, documents = random.integers(0, 3), random.choice(10, 3, replace=False)
        for slot in range(3):
            clicked = bool(random.random() < 0.5)
            rows.append(
                {
                    "impression_id": f"i{number}", "ts_ms": number, "query_raw": "pink eye", "position": slot + 1,
                    "doc_id": f"d{documents[slot]}", "clicked": clicked,
                    "dwell_s": [None, 10.0, 29.0, 31.0, 90.0][random.integers(0, 5)] if clicked else None,
                    "returned_to_serp": [None, True, False][random.integers(0, 3)],
                    "last_click": bool(random.random() < 0.5) if clicked else None,
                    "next_query": NEXT[after], "next_query_gap_s": [None, 100.0, 400.0][after] if after else None,
                }
            )  # fmt: skip
    return rows


def quantiles(rows, quantile):
    """Per document the dwell that is usual for its length; every document is a length of its own here."""
    seen = {}
    for row in rows:
        if row["clicked"] and row["dwell_s"] is not None:
            seen.setdefault(row["doc_id"], []).append(row["dwell_s"])
    return {doc: np.quantile(values, quantile) for doc, values in seen.items()}


def short_for_its_length(rows):
    usual = quantiles(rows, 0.4)
    return lambda r: r["dwell_s"] is not None and r["dwell_s"] < usual[r["doc_id"]]


CASES = {
    "dwell": (Dwell(min_s=30, weight=0.25), lambda rows: lambda r: r["dwell_s"] is not None and r["dwell_s"] < 30),
    "by_length": (DwellByLength(quantile=0.4, weight=0.25), short_for_its_length),
    "reformulated": (
        Reformulated(max_gap_s=300, weight=0.25),
        lambda rows: lambda r: r["next_query"] is not None and (r["next_query_gap_s"] or 999) <= 300,
    ),
    "similar": (
        Reformulated(max_gap_s=None, min_similarity=0.3, weight=0.25),
        lambda rows: lambda r: r["next_query"] == "pink eye drops",
    ),
    "returned": (Returned(weight=0.25), lambda rows: lambda r: r["returned_to_serp"] is True),
    "not_last": (NotLast(weight=0.25), lambda rows: lambda r: r["last_click"] is False),
}


def clicks_of(rows, worth):
    """Clicks per document and rank, each counting its worth."""
    found = {}
    for row in rows:
        key = row["doc_id"], row["position"]
        found[key] = found.get(key, 0.0) + (worth(row) if row["clicked"] else 0.0)
    return found


def read(rows, cache, tmp_path, signals):
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(tmp_path / "log.parquet")
    found = counted(tmp_path / "log.parquet", CORPUS, cache, signals=signals, vote_days=None)
    clicks = {(d, k): x for d, k, x in found.by_position.select("doc_id", "position", "clicks").iter_rows()}
    return found, clicks


@pytest.mark.parametrize("name", CASES)
def test_a_signal_weighs_just_the_clicks_it_doubts(name, cache, tmp_path):
    rows = random_log(1)
    signal, make = CASES[name]
    doubts = make(rows)
    found, clicks = read(rows, cache, tmp_path, {name: signal})
    assert clicks == pytest.approx(clicks_of(rows, lambda r: 0.25 if doubts(r) else 1.0))
    assert found.told[f"doubted_{name}"] == sum(bool(r["clicked"] and doubts(r)) for r in rows) > 0


def test_doubts_multiply_and_weight_one_is_off(cache, tmp_path):
    rows = random_log(2)
    first, second = CASES["dwell"][1](rows), CASES["returned"][1](rows)
    chosen = {"dwell": Dwell(30, weight=0.5), "returned": Returned(weight=0.5), "not_last": NotLast(weight=1)}
    found, clicks = read(rows, cache, tmp_path, chosen)
    assert clicks == pytest.approx(clicks_of(rows, lambda r: 0.5 ** (first(r) + second(r))))
    assert "doubted_not_last" not in found.told


def test_a_signal_the_log_cannot_serve_is_refused_or_silent_and_said(cache, tmp_path):
    rows = [{k: v for k, v in row.items() if k not in ("dwell_s", "returned_to_serp")} for row in random_log(3)]
    with pytest.raises(InputError, match=r"lacks the column 'returned_to_serp', which signals\.back needs"):
        read(rows, cache, tmp_path, {"back": Returned(weight=0)})
    _, clicks = read(rows, cache, tmp_path, {"dwell": Dwell(30, where_told=True)})
    assert clicks == clicks_of(rows, lambda r: 1.0)
    _, notices = Signals({"dwell": Dwell(30, where_told=True)}).used(frozenset())
    assert "lacks the column 'dwell_s', so signals.dwell doubts no click" in notices[0]


def test_similarity_is_that_of_trigrams():
    assert similarity("abc", "ABC ") == 1 and similarity("abc", "xyz") == 0
    assert similarity("pink eye", "pink eyes") > similarity("pink eye", "red eye") > 0


@pytest.mark.parametrize(
    "make",
    [lambda: Dwell(min_s=-1), lambda: Dwell(weight=2), lambda: DwellByLength(quantile=1.5), lambda: Returned(-1)],
)
def test_impossible_settings(make):
    with pytest.raises(InputError, match="must lie in"):
        make()
