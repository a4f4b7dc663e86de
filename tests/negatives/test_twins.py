from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.errors import InputError
from shoptalk.negatives.codes import split
from shoptalk.negatives.denoise import Denoised
from shoptalk.negatives.fallbacks import Short
from shoptalk.negatives.strategies import Ann, Bm25, InBatch
from shoptalk.negatives.twinning import TwinIndex
from shoptalk.negatives.twins import Twins
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense

TITLES = [
    "Broken 4th finger", "Broken fifth finger", "Broken finger", "Broken 5th toe", "Broken 4 finger", "Screw 5/16-18",
    "Screw 5/16-24", "Screw 3/8-24", "Pipe 90 mm", "Pipe 90 cm", "Pipe 97mm", "A left hand", "Broken finger 2 of 3",
]  # fmt: skip


def naive(texts, row, overlap):
    """(row, differing codes, Jaccard) of every twin of a row, by comparing it with all."""
    parts = [tuple(map(Counter, split(text))) for text in texts]
    found = []
    for other, (words, codes) in enumerate(parts):
        mine, own = parts[row]
        if words and codes and mine and own and other != row:
            alike = (words & mine).total() / (words | mine).total()
            differ = max((codes - own).total(), (own - codes).total())
            if differ and alike >= overlap:
                found.append((other, differ, alike))
    return sorted(found, key=lambda t: (t[1], -t[2], abs(t[0] - row), t[0]))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9999), st.sampled_from([0.1, 0.3, 0.5, 2 / 3, 0.7, 0.75, 1.0]), st.integers(1, 30))
def test_the_index_finds_what_comparing_all_with_all_finds(seed, overlap, most):
    rng = np.random.default_rng(seed)
    tokens = ["red", "blue", "ant", "bee", "of", "of", "the", "wing", "1", "2", "third", "mm"]
    texts = [" ".join(rng.choice(tokens, rng.integers(1, 9))) for _ in range(25)]
    index = TwinIndex(texts, overlap)
    for row in range(25):
        rows, differ, alike, there = index.of(row, most)
        wanted = naive(texts, row, overlap)
        assert there == len(wanted)
        assert list(zip(rows.tolist(), differ.tolist(), alike.tolist(), strict=True)) == [
            (other, count, pytest.approx(share)) for other, count, share in wanted[:most]
        ]


def test_twins_of_known_titles():
    index = TwinIndex(TITLES, 1.0)
    twins = {title: {TITLES[r] for r in index.of(row, 9)[0]} for row, title in enumerate(TITLES)}
    assert twins["Broken 4th finger"] == {"Broken fifth finger"}, "4 finger is the same one, finger has no number"
    assert twins["Screw 5/16-18"] == {"Screw 5/16-24", "Screw 3/8-24"}
    assert index.of(5, 9)[0].tolist() == [6, 7], "fewest differing codes first"
    assert twins["Pipe 90 mm"] == {"Pipe 90 cm", "Pipe 97mm"}
    assert twins["A left hand"] == twins["Broken finger"] == set()
    assert TwinIndex([], 0.7).of(0, 3)[3] == 0


@pytest.fixture
def ask(world):
    ask = world.make(documents=4, pairs=1)
    titles = [*TITLES[:-1], "", *(f"Filler {word}" for word in "abcdefgh")]
    texts = ["in a bone"] * 12 + ["Pipe 80 mm"] + ["x"] * 8
    corpus = Corpus([f"d{i}" for i in range(21)], titles, texts)
    queries = ["fourth finger fracture", "pipe of ninety", "no number at all", "pipe of 80"]
    pairs = pl.DataFrame({"query": queries, "doc_id": ["d0", "d8", "d11", "d12"]})
    dense = Dense(world.embed, world.embed(corpus.passages, "document"))
    return replace(ask, pairs=pairs, corpus=corpus, known=Known([]), dense=dense, bm25=BM25(corpus.passages))


def test_twins_come_first_and_the_rest_behind_them(ask):
    mined = Twins(keep=4).mine(ask)
    sorts, by_twins = [], []
    for negatives, miners in mined.table.select("negatives", "miners").iter_rows():
        sorts.append((miners.count("twins"), len(miners)))
        by_twins.append({d for d, miner in zip(negatives, miners, strict=True) if miner == "twins"})
    assert sorts == [(1, 4), (3, 4), (0, 4), (3, 4)]
    assert by_twins == [{"d1"}, {"d9", "d10", "d12"}, set(), {"d8", "d9", "d10"}]
    assert any("Pairs with twins: 3 of 4; twins took 7 places." in notice for notice in mined.notices)
    own = ask.dense.score(ask.pairs["query"].to_list(), np.array([[0], [8], [11], [12]]))[:, 0]
    np.testing.assert_allclose(mined.positive_scores, own, atol=1e-6)


def test_among_equally_near_twins_the_hardest_for_the_base_model_comes_first(ask):
    row = Twins(keep=3).mine(ask).table.row(1, named=True)
    score = dict(zip(["d9", "d10", "d12"], ask.dense.score([row["query"]], np.array([[9, 10, 12]]))[0], strict=True))
    assert row["negatives"] == sorted(score, key=score.get, reverse=True), "each differs in one code"
    assert row["ranks"] == [0, 1, 2]
    assert row["scores"] == pytest.approx([score[doc_id] for doc_id in row["negatives"]], abs=1e-6)


def test_fewer_differing_codes_outrank_a_higher_score(ask):
    near = replace(ask, pairs=pl.DataFrame({"query": ["Screw 3/8-24 in a bone"], "doc_id": ["d5"]}))
    row = Twins(keep=2).mine(near).table.row(0, named=True)
    assert row["negatives"] == ["d6", "d7"] and row["scores"][0] < row["scores"][1]


def test_known_positives_and_filtered_twins_make_room_for_the_rest(ask):
    known = replace(ask, known=Known([("Pipe of NINETY", "d9")]))
    row = Twins(keep=4, rest=Bm25).mine(known).table.row(1, named=True)
    assert "d9" not in row["negatives"] and row["miners"].count("twins") == 2
    mined = Twins(keep=4, max_score=-2.0).mine(ask)
    assert mined.dropped["max score"] == 7 and "twins" not in mined.table["miners"].explode().to_list()
    assert mined.dropped["known positive"] == 4 and mined.seen == 7 + 4 * 21


def test_more_twins_than_are_looked_at_are_told(ask):
    mined = Twins(high=1, keep=4).mine(ask)
    assert "2 pairs have more than 2 twins; the most alike of them were looked at." in mined.notices
    assert [m.count("twins") for m in mined.table["miners"].to_list()] == [1, 1, 0, 1]


def test_a_shortage_goes_to_the_fallback(ask):
    mined = Twins(keep=4, rest=partial(Ann, max_score=-2.0), fallback=Short()).mine(ask)
    assert mined.table["negatives"].list.len().to_list() == [1, 3, 0, 3]


def test_the_rest_may_need_a_teacher(ask):
    strategy = Twins(keep=4, rest=partial(Denoised, high=9))
    assert strategy.window == (0, 9)
    mined = strategy.mine(replace(ask, relevance=lambda q, p, rows: np.where(rows >= 0, 0.0, np.nan)))
    assert set(mined.table["miners"].explode()) == {"twins", "denoised"}
    assert mined.table["probabilities"].explode().drop_nulls().len() == 16 - 7


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda: Twins(overlap=0.0), "negatives.overlap=0.0"),
        (lambda: Twins(overlap=1.1), "negatives.overlap=1.1"),
        (lambda: Twins(rest=Ann()), "negatives.rest needs _partial_: true"),
        (lambda: Twins(rest=partial(Ann, keep=2)), r"negatives.rest.keep has no say here: set negatives.keep"),
        (lambda: Twins(rest=InBatch), "negatives.rest: InBatch cannot stand inside another strategy"),
    ],
)
def test_bad_input_says_what_to_do(act, sentence):
    with pytest.raises(InputError, match=sentence):
        act()
