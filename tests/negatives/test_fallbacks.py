from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from shoptalk.errors import InputError
from shoptalk.negatives.denoise import Denoised
from shoptalk.negatives.fallbacks import Deeper, Short
from shoptalk.negatives.strategies import Ann, Bm25


def usable(ask, query, doc_id, limit):
    """(document, rank, score) over the whole corpus, hardest first, that may be a negative of the pair."""
    barred = ask.known.documents(query) | {doc_id}
    found = ask.dense([query], len(ask.corpus))
    ranked = zip((f"d{row}" for row in found.rows[0]), range(len(ask.corpus)), found.scores[0].tolist(), strict=True)
    return [(d, rank, score) for d, rank, score in ranked if d not in barred and score <= limit]


@pytest.mark.parametrize("ranks", [3, 12, 500])
def test_deeper_takes_the_next_ranks_that_pass_every_filter_and_then_random_documents(ranks, world):
    ask = world.make()
    mined = Ann(low=1, high=6, keep=9, max_score=0.6, fallback=Deeper(ranks)).mine(ask)
    behind = 0
    for row in mined.table.iter_rows(named=True):
        free = usable(ask, row["query"], row["doc_id"], 0.6)
        inside = [(d, rank) for d, rank, _ in free if 1 <= rank < 6]
        deeper = [(d, rank) for d, rank, _ in free if 6 <= rank < 6 + ranks][: 9 - len(inside)]
        wanted = inside + deeper
        assert list(zip(row["negatives"], row["ranks"], strict=True))[: len(wanted)] == wanted
        assert row["ranks"][len(wanted) :] == row["scores"][len(wanted) :] == [None] * (9 - len(wanted))
        assert row["miners"] == ["ann"] * len(inside) + ["filled"] * (9 - len(inside))
        behind += len(deeper)
    assert mined.fallback == "deeper" and mined.filled == sum(
        row.count("filled") for row in mined.table["miners"].to_list()
    )
    assert any(f"{behind:,} places were filled from behind the rank window" in notice for notice in mined.notices)


def test_what_is_seen_and_dropped_does_not_depend_on_the_fallback(world):
    ask = world.make()
    told = [Ann(high=6, keep=9, max_score=0.6, fallback=f).mine(ask) for f in (None, Deeper(5), Short())]
    assert len({(mined.seen, tuple(mined.dropped.items())) for mined in told}) == 1


def test_the_teacher_judges_deeper_candidates_too(world):
    odd = lambda q, p, rows: np.where(rows >= 0, np.where(rows % 2 == 0, 0.9, 0.01), np.nan).astype(np.float32)  # noqa: E731
    mined = Denoised(high=4, keep=6, fallback=Deeper(15)).mine(world.make(relevance=odd))
    deep = [
        (doc_id, probability)
        for row in mined.table.iter_rows(named=True)
        for doc_id, rank, probability in zip(row["negatives"], row["ranks"], row["probabilities"], strict=True)
        if rank is not None and rank >= 4
    ]
    assert len(deep) > 12
    assert all(int(doc_id[1:]) % 2 and probability == pytest.approx(0.01) for doc_id, probability in deep)
    assert any(notice.startswith("Behind the rank window: The teacher judged") for notice in mined.notices)


def test_nothing_lies_behind_a_window_that_covers_the_corpus(world):
    mined = Ann(high=40, keep=4, max_score=-2.0, fallback=Deeper()).mine(world.make())
    assert mined.filled == 4 * 12
    assert all(line == [None] * 4 for line in mined.table["ranks"].to_list())


def test_short_leaves_places_empty_and_tells_how_many(world):
    ask = world.make()
    mined = Ann(high=5, keep=4, max_score=0.6, fallback=Short()).mine(ask)
    sizes = [
        sum(rank < 5 for _, rank, _ in usable(ask, q, d, 0.6))
        for q, d in ask.pairs.select("query", "doc_id").iter_rows()
    ]
    counts = [min(size, 4) for size in sizes]
    assert mined.table["negatives"].list.len().to_list() == counts and 0 in counts and max(counts) > 0
    empty, short, bare = sum(4 - c for c in counts), sum(c < 4 for c in counts), counts.count(0)
    assert f"{empty} places of {short} pairs stay empty; {bare} pairs have no negative." in mined.notices
    assert mined.filled == 0 and mined.fallback == "none"


def test_short_says_nothing_where_nothing_is_short(world):
    assert Ann(keep=2, fallback=Short()).mine(world.make()).notices == []


def test_a_query_without_a_word_of_the_corpus_is_filled(world):
    ask = world.make()
    strange = replace(ask, pairs=ask.pairs.head(1).with_columns(query=pl.lit("zzz")))
    mined = Bm25(keep=3).mine(strange)
    assert mined.seen == 0 and mined.filled == 3 and mined.table["miners"].to_list() == [["filled"] * 3]


def test_ranks_must_be_one_at_least():
    with pytest.raises(InputError, match=r"negatives.fallback.ranks=0"):
        Deeper(0)
