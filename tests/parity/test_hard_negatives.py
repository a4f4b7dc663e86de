"""Our knobs against sentence-transformers' ``mine_hard_negatives``, on the same vectors.

What differs is listed in ``shoptalk.negatives.selection``.
"""

import numpy as np
import polars as pl
import pytest
import torch
from datasets import Dataset
from sentence_transformers.util import dot_score, mine_hard_negatives, pairwise_dot_score

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.negatives.fallbacks import Short
from shoptalk.negatives.mined import Mine
from shoptalk.negatives.strategies import Ann
from shoptalk.retrieval.dense import Dense

QUERIES, DOCUMENTS = 30, 120


class Vectors:
    """All that the miners ask of a model: fixed vectors of length 1 for every text."""

    device = torch.device("cpu")

    def __init__(self, seed=0, centre=0.0):
        rng = np.random.default_rng(seed)
        texts = [f"q{i}" for i in range(QUERIES)] + [f"d{i}" for i in range(DOCUMENTS)]
        vectors = rng.normal(size=(len(texts), 12))
        vectors[:QUERIES, 0] -= centre
        vectors[QUERIES:, 0] += centre
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        self.of = dict(zip(texts, vectors.astype(np.float32), strict=True))

    def embed(self, texts, kind=None):
        return np.stack([self.of[text] for text in texts])

    def encode_query(self, texts, **options):
        return self.embed(texts)

    encode_document = encode_query
    similarity = staticmethod(dot_score)
    similarity_pairwise = staticmethod(pairwise_dot_score)


def pairs_of(model, rank, positives=1):
    """Each query with documents that stand at ``rank``, ``rank + 3``, ... of its search."""
    wanted = [rank + 3 * j for j in range(positives)]
    return [(f"q{i}", ranking(model, f"q{i}")[r]) for i in range(QUERIES) for r in wanted]


def ranking(model, query):
    """All documents, best first."""
    corpus = [f"d{i}" for i in range(DOCUMENTS)]
    return [corpus[i] for i in np.argsort(-(model.embed(corpus) @ model.of[query]), kind="stable")]


def theirs(model, pairs, **options):
    """(query, document) -> negatives, hardest first, as sentence-transformers mines them."""
    data = Dataset.from_dict({"query": [q for q, _ in pairs], "answer": [d for _, d in pairs]})
    corpus = [f"d{i}" for i in range(DOCUMENTS)]
    mined = mine_hard_negatives(data, model, corpus=corpus, output_format="triplet", verbose=False, **options)
    found = {pair: [] for pair in pairs}
    for query, answer, negative in zip(*(mined[column] for column in ("query", "answer", "negative")), strict=True):
        found[query, answer].append(negative)
    return found


def ours(model, pairs, tmp_path, **options):
    """The same of ``Ann`` with nothing filled."""
    corpus = Corpus([f"d{i}" for i in range(DOCUMENTS)], [f"d{i}" for i in range(DOCUMENTS)], [""] * DOCUMENTS)
    table = pl.DataFrame(pairs, schema=["query", "doc_id"], orient="row")
    dense = Dense(model.embed, model.embed(corpus.passages))
    ask = Mine(table, corpus, Known(pairs), dense, None, 0, Cache(tmp_path))
    mined = Ann(fallback=Short(), **options).mine(ask).table
    return {(q, d): line for q, d, line in mined.select("query", "doc_id", "negatives").iter_rows()}


AGREE = {
    "top": ({"range_max": 40}, {"high": 41}),
    "absolute_margin": ({"range_max": 40, "absolute_margin": 0.1}, {"high": 41, "absolute_margin": 0.1}),
    "no_margin": ({"range_max": 40, "absolute_margin": 0.0}, {"high": 41, "absolute_margin": 0.0}),
    "relative_margin": ({"range_max": 40, "relative_margin": 0.2}, {"high": 41, "relative_margin": 0.2}),
    "both_margins": (
        {"range_max": 60, "relative_margin": 0.1, "absolute_margin": 0.15},
        {"high": 61, "relative_margin": 0.1, "absolute_margin": 0.15},
    ),
    "max_score": ({"range_max": 40, "max_score": 0.3}, {"high": 41, "max_score": 0.3}),
    "min_score": ({"range_max": 40, "min_score": 0.35}, {"high": 41, "min_score": 0.35}),
    "both_scores": (
        {"range_max": 60, "min_score": 0.2, "max_score": 0.4},
        {"high": 61, "min_score": 0.2, "max_score": 0.4},
    ),
    "positive_share": ({"range_max": 40, "relative_margin": 0.05}, {"high": 41, "positive_share": 0.95}),
}


@pytest.mark.parametrize("keep", [1, 5, 20])
@pytest.mark.parametrize("rank", [0, 7])
@pytest.mark.parametrize("case", AGREE)
def test_the_same_negatives(tmp_path, case, rank, keep):
    model = Vectors()
    pairs = pairs_of(model, rank)
    their_options, our_options = AGREE[case]
    found = ours(model, pairs, tmp_path, keep=keep, **our_options)
    assert found == theirs(model, pairs, num_negatives=keep, **their_options)
    assert any(found.values())


def test_a_relative_margin_beside_negative_positive_scores(tmp_path):
    model = Vectors(centre=4.0)
    pairs = pairs_of(model, 20)
    scores = [model.of[q] @ model.of[d] for q, d in pairs]
    assert max(scores) < 0, "every positive scores below 0"
    found = ours(model, pairs, tmp_path, keep=5, high=61, relative_margin=0.05)
    assert found == theirs(model, pairs, num_negatives=5, range_max=60, relative_margin=0.05)
    assert all(model.of[q] @ model.of[n] < model.of[q] @ model.of[d] for (q, d), line in found.items() for n in line)
    shared = ours(model, pairs, tmp_path, keep=5, high=61, positive_share=0.95)
    assert any(model.of[q] @ model.of[n] > model.of[q] @ model.of[d] for (q, d), line in shared.items() for n in line)


def test_a_rank_window_counts_the_positive_here_and_not_there(tmp_path):
    model = Vectors()
    ahead, behind = pairs_of(model, 0), pairs_of(model, 30)
    assert ours(model, behind, tmp_path, keep=4, low=3, high=20) == theirs(
        model, behind, num_negatives=4, range_min=3, range_max=20
    ), "the same where the positive stands behind the window"
    there = theirs(model, ahead, num_negatives=4, range_min=3, range_max=20)
    assert ours(model, ahead, tmp_path, keep=4, low=4, high=21) == there, "one more where it stands before it"
    assert ours(model, ahead, tmp_path, keep=4, low=3, high=20) != there


def test_a_rank_window_counts_what_other_filters_drop_here_and_not_there(tmp_path):
    model = Vectors()
    pairs = pairs_of(model, 30)
    usable = theirs(model, pairs, num_negatives=50, range_max=60, max_score=0.4)
    there = theirs(model, pairs, num_negatives=4, range_min=8, range_max=60, max_score=0.4)
    here = ours(model, pairs, tmp_path, keep=4, low=8, high=61, max_score=0.4)
    first = {query: ranking(model, query)[:8] for query, _ in pairs}
    assert there == {pair: line[8:12] for pair, line in usable.items()}, "theirs skip eight usable ones"
    assert here == {pair: [d for d in line if d not in first[pair[0]]][:4] for pair, line in usable.items()}
    assert here != there


def test_the_search_reaches_as_much_deeper_there_as_any_query_has_positives(tmp_path):
    model = Vectors()
    pairs = pairs_of(model, 60) + [(q, d) for q, d in pairs_of(model, 70, positives=4) if q == "q3"]
    there = theirs(model, pairs, num_negatives=6, range_max=8, max_score=0.5)
    assert ours(model, pairs, tmp_path, keep=6, high=8 + 5, max_score=0.5) == there
    assert ours(model, pairs, tmp_path, keep=6, high=8, max_score=0.5) != there


def test_several_positives_are_held_to_the_lowest_score_there_and_to_their_own_here(tmp_path):
    model = Vectors()
    pairs = pairs_of(model, 2, positives=2)
    there = theirs(model, pairs, num_negatives=5, range_max=40, absolute_margin=0.0)
    here = ours(model, pairs, tmp_path, keep=5, high=42, absolute_margin=0.0)
    lower, upper = pairs[1::2], pairs[0::2]
    assert {pair: here[pair] for pair in lower} == {pair: there[pair] for pair in lower}
    assert all(there[one] == there[two] for one, two in zip(lower, upper, strict=True))
    for query, doc_id in upper:
        assert all(model.of[query] @ model.of[n] <= model.of[query] @ model.of[doc_id] for n in here[query, doc_id])
        assert here[query, doc_id] != there[query, doc_id], "two documents stand between the positives"


def test_every_spelling_of_a_query_shares_its_positives_here(tmp_path):
    model = Vectors()
    model.of["Q0 !"] = model.of["q0"]
    pairs = [*pairs_of(model, 0), ("Q0 !", pairs_of(model, 1)[0][1])]
    here, there = ours(model, pairs, tmp_path, keep=3, high=41), theirs(model, pairs, num_negatives=3, range_max=40)
    assert pairs[-1][1] in there[pairs[0]] and pairs[-1][1] not in here[pairs[0]]
    assert {pair: here[pair] for pair in pairs[1:-1]} == {pair: there[pair] for pair in pairs[1:-1]}
