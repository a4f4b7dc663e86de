from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoptalk.domain.judgments import Known
from shoptalk.errors import InputError
from shoptalk.negatives.denoise import Denoised
from shoptalk.negatives.fallbacks import Deeper, RandomDocuments, Short
from shoptalk.negatives.mixed import Mixed
from shoptalk.negatives.picks import SimAns, Top, Uniform
from shoptalk.negatives.strategies import Ann, Bm25, InBatch, Random
from shoptalk.negatives.twins import Twins
from shoptalk.retrieval.ranked import Ranked


def even_rows(queries, positives, rows):
    """A teacher that takes documents with an even row for relevant."""
    return np.where(rows >= 0, np.where(rows % 2 == 0, 0.9, 0.01), np.nan).astype(np.float32)


PARTS = {
    "near": {"share": 2, "strategy": partial(Ann, high=12)},
    "words": {"share": 1, "strategy": Bm25},
    "chance": {"share": 1, "strategy": Random},
    "judged": {"share": 1.5, "strategy": partial(Denoised, low=2, high=20)},
    "twins": {"share": 0.5, "strategy": partial(Twins, overlap=0.5)},
}
STRATEGIES = [
    InBatch(),
    Random(),
    Bm25(),
    Ann(),
    Ann(relative_margin=0.05, pick=Uniform()),
    Ann(low=3, high=9, keep=6),
    Denoised(),
    Denoised(wave=1, pick=Uniform()),
    Twins(),
    Mixed(PARTS),
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
    if isinstance(strategy, Random | Mixed) or isinstance(
        getattr(strategy, "knobs", None) and strategy.knobs.pick, Uniform
    ):
        assert not strategy.mine(replace(ask, seed=1)).table.equals(table)


KINDS = {
    "ann": Ann,
    "bm25": Bm25,
    "denoised": Denoised,
    "twins": partial(Twins, rest=partial(Bm25, high=6)),
    "mixed": lambda low, high, keep, pick, fallback, **knobs: Mixed(
        {
            "near": {"share": 1.4, "strategy": partial(Ann, low=low, high=high, pick=pick, **knobs)},
            "judged": {"share": 1, "strategy": partial(Denoised, low=low, high=high, pick=pick, **knobs)},
            "words": {"share": 0.7, "strategy": partial(Bm25, low=low, high=high, pick=pick)},
        },
        keep=keep,
        fallback=fallback,
    ),
}


@pytest.mark.parametrize("fallback", [RandomDocuments(), Deeper(9), Short()], ids=lambda f: f.name)
@pytest.mark.parametrize("pick", [Top(), Uniform(), SimAns(20.0)], ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 5),
    st.integers(1, 12),
    st.integers(1, 8),
    st.fixed_dictionaries({}, optional={"relative_margin": st.sampled_from([0.05, 0.6]), "max_score": st.just(0.5)}),
    st.integers(0, 3),
)
def test_invariants(world, kind, pick, fallback, low, width, keep, knobs, seed):
    ask = world.make(documents=30, pairs=11, relevance=even_rows, seed=seed)
    strategy = KINDS[kind](low=low, high=low + width, keep=keep, pick=pick, fallback=fallback, **knobs)
    mined = strategy.mine(ask)
    filled = 0
    for row in mined.table.iter_rows(named=True):
        negatives = row["negatives"]
        assert not set(negatives) & (ask.known.documents(row["query"]) | {row["doc_id"]})
        assert len(set(negatives)) == len(negatives) <= keep
        assert all(len(row[column] or negatives) == len(negatives) for column in ("scores", "ranks", "miners"))
        for rank, miner in zip(row["ranks"], row["miners"], strict=True):
            if miner == "filled":
                filled += 1
                assert rank is None or (fallback.name == "deeper" and rank >= (6 if kind == "twins" else low + width))
            else:
                ends = (0, 6) if kind == "twins" and miner == "bm25" else (low, low + width)
                assert ends[0] <= rank < ends[1]
        assert fallback.name == "none" or len(negatives) == min(
            keep, 30 - len(ask.known.documents(row["query"]) | {row["doc_id"]})
        )
    assert mined.filled == filled and (filled == 0 or fallback.name != "none") and mined.fallback == fallback.name
    picked = sum(mined.table["negatives"].list.len()) - filled
    assert mined.seen - sum(mined.dropped.values()) >= picked
    assert strategy.mine(replace(ask, pairs=ask.pairs.reverse())).table.reverse().equals(mined.table)


@pytest.mark.parametrize("kind", [Ann, Bm25])
def test_what_was_seen_and_the_positives_own_scores_are_told(kind, world):
    ask = world.make()
    pairs = pl.concat([ask.pairs, ask.pairs.head(2).with_columns(doc_id=pl.lit("elsewhere"))])
    mined = kind(high=9).mine(replace(ask, pairs=pairs))
    search = ask.dense if kind is Ann else ask.bm25
    assert mined.seen == sum(int((search([query], 9).rows >= 0).sum()) for query in pairs["query"])
    for line, (query, doc_id) in enumerate(ask.pairs.select("query", "doc_id").iter_rows()):
        own = search.score([query], np.array([[ask.corpus.index[doc_id]]]))[0, 0]
        assert mined.positive_scores[line] == pytest.approx(own, abs=1e-5)
    assert np.isnan(mined.positive_scores[-2:]).all()
    assert mined.positive_scores.dtype == np.float32


def test_margins_drop_nothing_beside_a_document_the_corpus_lacks(world):
    ask = world.make()
    lost = replace(ask, pairs=ask.pairs.head(1).with_columns(doc_id=pl.lit("elsewhere")))
    free = Ann(keep=20).mine(lost).table["negatives"]
    assert Ann(keep=20, absolute_margin=5.0, fallback=Short()).mine(lost).table["negatives"].equals(free)


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


class NoNumber:
    """A search whose scores of single documents are NaN."""

    def __call__(self, queries, k):
        return Ranked(np.zeros((len(queries), k), np.int64), np.zeros((len(queries), k), np.float32))

    def score(self, queries, rows):
        return np.full(rows.shape, np.nan, np.float32)


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda ask: Denoised().mine(ask), "needs a teacher"),
        (lambda ask: Ann().mine(replace(ask, dense=NoNumber())), "a score that is not a number"),
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
