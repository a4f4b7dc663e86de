from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.negatives.denoise import Denoised
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.fallbacks import Deeper, Short
from shoptalk.negatives.mixed import Mixed, deal
from shoptalk.negatives.picks import Uniform
from shoptalk.negatives.strategies import Ann, Bm25, InBatch, Random
from shoptalk.negatives.twins import Twins

KEYS = pair_keys([str(i) for i in range(4000)], ["d"] * 4000, 0)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.05, 20), min_size=1, max_size=5), st.integers(1, 9), st.integers(0, 99))
def test_every_pair_gives_a_part_its_quota_rounded_and_all_pairs_together_its_share(shares, keep, seed):
    keys = pair_keys([str(i) for i in range(4000)], ["d"] * 4000, seed)
    dealt = deal(keys, shares, keep)
    counts = np.stack([(dealt == part).sum(axis=1) for part in range(len(shares))], axis=1)
    quota = keep * np.array(shares) / sum(shares)
    assert dealt.shape == (4000, keep) and (counts.sum(axis=1) == keep).all()
    assert (np.abs(counts - quota) < 1 + 1e-9).all(), "rounded down or up"
    assert (np.abs(counts.mean(axis=0) - quota) < 5 * 0.5 / np.sqrt(4000)).all()


def test_shares_that_come_out_even_are_the_same_for_every_pair():
    assert (deal(KEYS, [2, 1, 1], 4) == [0, 0, 1, 2]).all()
    odd = deal(KEYS, [1, 1, 1], 4)
    assert {tuple(np.bincount(line, minlength=3)) for line in odd} == {(2, 1, 1), (1, 2, 1), (1, 1, 2)}


def parts(**strategies):
    return {name: {"share": share, "strategy": strategy} for name, (share, strategy) in strategies.items()}


def test_each_place_comes_from_its_part(world):
    ask = world.make()
    mined = Mixed(parts(ann=(2, Ann), bm25=(1, partial(Bm25, high=20)), random=(1, Random))).mine(ask)
    ann, words = Ann(keep=4).mine(ask).table, Bm25(keep=4, high=20, fallback=Short()).mine(ask).table
    for row, near, worded in zip(mined.table.iter_rows(named=True), ann["negatives"], words["negatives"], strict=True):
        by = {miner: [] for miner in row["miners"]}
        for doc_id, miner in zip(row["negatives"], row["miners"], strict=True):
            by[miner].append(doc_id)
        assert by["ann"] == near.to_list()[:2], "the hardest two"
        left = [d for d in worded if d not in by["ann"]]
        assert by.get("bm25", []) == left[:1], "the hardest that does not stand there yet"
        assert len(by["random"]) == 1
    assert mined.positive_scores is None, "scores of BM25 and cosines do not mix"


def test_picks_of_a_part_are_its_own_whatever_its_share(world):
    """Half of what a part picks at random is no harder than the rest of it."""
    ask = world.make(documents=60, pairs=50)
    mined = Mixed(parts(ann=(1, partial(Ann, high=50, pick=Uniform())), random=(1, Random)), keep=8).mine(ask)
    ranks = [r for line in mined.table["ranks"].to_list() for r in line if r is not None]
    assert len(ranks) == 50 * 4 and 21 < np.mean(ranks) < 29


def test_a_parts_shortage_is_filled_and_counted_by_part(world):
    ask = world.make()
    chosen = parts(ann=(1, partial(Ann, max_score=-2.0)), bm25=(1, partial(Bm25, high=20)))
    mined = Mixed(chosen).mine(ask)
    assert "ann: 24 of its 24 places had no candidate left." in mined.notices
    assert mined.filled >= 24 and (mined.table["negatives"].list.len() == 4).all()
    short = Mixed(chosen, fallback=Short()).mine(ask)
    assert short.filled == 0 and any(n.startswith("ann: 24 places of 12 pairs stay empty") for n in short.notices)
    assert short.dropped["max score"] == mined.dropped["max score"] > 0


def test_deeper_looks_behind_the_window_of_the_part_that_is_short(world):
    ask = world.make()
    mined = Mixed(parts(ann=(1, partial(Ann, high=1)), random=(1, Random)), keep=8, fallback=Deeper(20)).mine(ask)
    filled = [
        (rank, score)
        for row in mined.table.iter_rows(named=True)
        for rank, score, miner in zip(row["ranks"], row["scores"], row["miners"], strict=True)
        if miner == "filled"
    ]
    assert len(filled) == mined.filled > 36 and all(1 <= rank < 21 and score is not None for rank, score in filled)
    assert any(notice.startswith("ann: ") and "from behind the rank window" in notice for notice in mined.notices)


def test_the_teacher_judges_the_part_that_asks_for_it(world):
    judged = lambda q, p, rows: np.where(rows >= 0, np.where(rows % 2, 0.0, 0.9), np.nan).astype(np.float32)  # noqa: E731
    clean, deep = partial(Denoised, low=3, high=30), partial(Denoised, low=9, high=40)
    strategy = Mixed(parts(ann=(1, Ann), clean=(1, clean), deep=(1, deep)))
    assert strategy.window == (3, 40) and Mixed(parts(ann=(1, Ann))).window is None
    mined = strategy.mine(world.make(relevance=judged))
    for row in mined.table.iter_rows(named=True):
        for doc_id, miner, probability in zip(row["negatives"], row["miners"], row["probabilities"], strict=True):
            assert (miner == "denoised") == (probability is not None)
            assert miner != "denoised" or int(doc_id[1:]) % 2
    assert mined.dropped["teacher"] > 0 and mined.positive_scores is not None, "all are cosines of one model"
    with pytest.raises(InputError, match="needs a teacher"):
        strategy.mine(world.make())


def test_a_seed_deals_otherwise(world):
    ask, strategy = world.make(), Mixed(parts(ann=(1, Ann), bm25=(1, Bm25), twins=(1, Twins)))
    assert not strategy.mine(ask).table["miners"].equals(strategy.mine(replace(ask, seed=1)).table["miners"])


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({}, "negatives.parts is empty"),
        (parts(ann=(0, Ann)), r"negatives.parts.ann.share=0 must be a number above 0; ~negatives.parts.ann leaves"),
        (parts(ann=(-1, Ann)), "share=-1"),
        (parts(ann=(float("nan"), Ann)), "share=nan"),
        (parts(ann=("2 %", Ann)), "share=2 %"),
        ({"ann": {"strategy": Ann}}, "negatives.parts.ann needs a share and a strategy"),
        ({"ann": {"share": 1, "strategy": Ann, "high": 3}}, "and nothing else"),
        ({"ann": None}, "negatives.parts is empty"),
        (parts(ann=(1, Ann())), "negatives.parts.ann.strategy needs _partial_: true"),
        (parts(ann=(1, partial(Ann, fallback=Short()))), "strategy.fallback has no say here: set negatives.fallback"),
        (parts(none=(1, InBatch)), "InBatch cannot stand inside another strategy"),
        (parts(ann=(1, partial(Ann, low=-3))), "negatives.low=-3"),
    ],
)
def test_bad_parts_say_what_to_do(chosen, sentence):
    with pytest.raises(InputError, match=sentence):
        Mixed(chosen)
    with pytest.raises(InputError, match="per_pair=5"):
        Mixed(parts(ann=(1, Ann)), keep=4, per_pair=5)


def test_a_part_gives_no_cases_to_a_person():
    cases = {"low": 0.05, "high": 0.5, "count": 10}
    parts = {"denoised": {"share": 1, "strategy": partial(Denoised, hard_cases=cases)}}
    with pytest.raises(InputError, match="hard_cases: only negatives=denoised gives cases"):
        Mixed(parts)
