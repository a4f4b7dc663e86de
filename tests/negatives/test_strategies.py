from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from shoptalk.domain.judgments import Known
from shoptalk.errors import InputError
from shoptalk.negatives.denoise import Denoised
from shoptalk.negatives.selection import Uniform
from shoptalk.negatives.strategies import Ann, Bm25, InBatch, Random


def even_rows(queries, positives, rows):
    """A teacher that takes documents with an even row for relevant."""
    return np.where(rows >= 0, np.where(rows % 2 == 0, 0.9, 0.01), np.nan).astype(np.float32)


STRATEGIES = [
    InBatch(),
    Random(),
    Bm25(),
    Ann(),
    Ann(relative_margin=0.05, pick=Uniform()),
    Ann(low=3, high=9, keep=6),
    Denoised(),
    Denoised(wave=1, pick=Uniform()),
]
ids = [f"{type(s).__name__}-{i}" for i, s in enumerate(STRATEGIES)]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=ids)
def test_a_line_per_pair_and_never_a_known_positive(strategy, world):
    ask = world.make(relevance=even_rows)
    mined = strategy.mine(ask)
    assert mined.table.select("query", "doc_id").equals(ask.pairs.select("query", "doc_id"))
    for row in mined.table.iter_rows(named=True):
        negatives = row["negatives"]
        assert len(set(negatives)) == len(negatives) == len(row["scores"])
        assert not set(negatives) & (ask.known.documents(row["query"]) | {row["doc_id"]})
        if strategy.per_pair:
            assert len(negatives) >= strategy.per_pair
        else:
            assert negatives == []


@pytest.mark.parametrize("strategy", STRATEGIES[1:], ids=ids[1:])
def test_a_function_of_pair_and_seed_alone(strategy, world):
    ask = world.make(relevance=even_rows)
    table = strategy.mine(ask).table
    assert strategy.mine(ask).table.equals(table)
    turned = strategy.mine(replace(ask, pairs=ask.pairs.reverse())).table
    assert turned.reverse().select("negatives").equals(table.select("negatives"))
    if isinstance(strategy, Random) or isinstance(getattr(strategy, "knobs", None) and strategy.knobs.pick, Uniform):
        assert not strategy.mine(replace(ask, seed=1)).table.equals(table)


def test_positives_of_a_twin_query_are_known(world):
    ask = world.make()
    twin = Known([*ask.pairs.select("query", "doc_id").iter_rows(), (ask.pairs["query"][0].swapcase() + "!", "d7")])
    before = Ann(high=40, keep=30).mine(ask).table["negatives"][0]
    after = Ann(high=40, keep=30).mine(replace(ask, known=twin)).table["negatives"][0]
    assert "d7" in before.to_list()
    assert "d7" not in after.to_list()


def test_ann_is_the_dense_ranking_without_known_positives(world):
    ask = world.make()
    mined = Ann(low=2, high=8, keep=6).mine(ask)
    for query, doc_id, negatives, scores in mined.table.select("query", "doc_id", "negatives", "scores").iter_rows():
        near = ask.dense([query], 8)
        barred = ask.known.documents(query) | {doc_id}
        ranked = [(f"d{r}", s) for r, s in zip(near.rows[0, 2:], near.scores[0, 2:], strict=True)]
        wanted = [(d, s) for d, s in ranked if d not in barred]
        mine = [(d, s) for d, s in zip(negatives, scores, strict=True) if s is not None]
        assert [d for d, _ in mine] == [d for d, _ in wanted]
        np.testing.assert_allclose([s for _, s in mine], [s for _, s in wanted], atol=1e-6)
    assert mined.filled == 12 * 6 - sum(len([s for s in line if s is not None]) for line in mined.table["scores"])


def test_denoised_keeps_the_hardest_that_the_teacher_lets_pass_and_counts_the_rest(world):
    ask = world.make(relevance=even_rows)
    plain = Ann(high=40, keep=40).mine(ask).table
    mined = Denoised(high=40, keep=3, wave=2).mine(ask)
    lost = 0
    for naive, row in zip(plain["negatives"], mined.table.iter_rows(named=True), strict=True):
        odd = [d for d in naive if int(d[1:]) % 2]
        assert row["negatives"] == odd[:3]
        assert row["probabilities"] == [pytest.approx(0.01)] * 3
        # Waves of two: what stands before the wave that satisfied the pair was judged.
        last = 2 * (naive.to_list().index(odd[2]) // 2 + 1)
        lost += sum(int(d[1:]) % 2 == 0 for d in naive[:last])
    assert mined.dropped["teacher"] == lost
    assert any(f"dropped {lost}" in notice for notice in mined.notices)


def test_a_pair_whose_every_candidate_is_dropped_gets_random_documents_without_a_probability(world):
    ask = world.make(relevance=lambda q, p, rows: np.where(rows >= 0, 0.99, np.nan))
    mined = Denoised(keep=3).mine(ask)
    assert mined.filled == 3 * 12
    assert all(line == [None] * 3 for line in mined.table["probabilities"].to_list())
    assert all(len(line) == 3 for line in mined.table["negatives"])


def test_denoised_asks_only_for_candidates_it_needs(world):
    asked = []

    def count(queries, positives, rows):
        asked.append(int((rows >= 0).sum()))
        return np.where(rows >= 0, 0.0, np.nan)

    Denoised(keep=4, wave=5).mine(world.make(relevance=count))
    assert asked == [12 * 5]


def test_a_small_corpus_shrinks_the_window_and_says_so(world):
    ask = world.make(documents=4, pairs=3)
    mined = Ann(high=30, keep=8, per_pair=1).mine(ask)
    assert "ends at 4" in mined.notices[0]
    assert "negatives are missing" in mined.notices[1]
    assert all(len(line) <= 3 for line in mined.table["negatives"])


def test_no_pairs_give_an_empty_table(world):
    ask = world.make(relevance=even_rows)
    for strategy in STRATEGIES:
        table = strategy.mine(replace(ask, pairs=ask.pairs.clear())).table
        assert table.height == 0
        assert table.schema["negatives"] == pl.List(pl.String)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda ask: Denoised().mine(ask), "needs a teacher"),
        (lambda ask: Ann(low=40, high=50).mine(ask), "negatives.low=40 leaves no rank"),
        (lambda ask: Random(keep=2, per_pair=3), "per_pair=3"),
        (lambda ask: Denoised(max_probability=1.0), "max_probability=1.0"),
        (lambda ask: Denoised(wave=0), "wave=0"),
        (
            lambda ask: Denoised().mine(replace(ask, relevance=lambda q, p, rows: np.full(rows.shape, np.nan))),
            "not a number",
        ),
    ],
)
def test_bad_input_says_what_to_do(act, sentence, world):
    with pytest.raises(InputError, match=sentence):
        act(world.make())
