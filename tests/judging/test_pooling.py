"""Pools against a naive union, and an order that tells nothing of the arms."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.domain.corpus import Corpus
from shoptalk.judging.pooling import pooled, shuffled
from shoptalk.retrieval.ranked import Ranked

CORPUS = Corpus([f"d{n}" for n in range(40)], ["t"] * 40, [""] * 40)
QUERIES = ["heart attack", "mi", "שלום"]

lists = st.lists(st.lists(st.integers(0, 39), unique=True, max_size=5), min_size=3, max_size=3)


def ranked(found):
    """Lists of rows as a retriever gives them, short ones ending in -1."""
    rows = np.array([[*line, *([-1] * (5 - len(line)))] for line in found])
    return Ranked(rows, np.where(rows >= 0, 1.0, -np.inf).astype(np.float32))


@given(lists, lists, lists, st.integers(0, 3))
def test_every_arm_gives_its_best_and_each_document_stands_once(one, two, three, seed):
    found = pooled(QUERIES, [ranked(one), ranked(two), ranked(three)], CORPUS, seed)
    for at, documents in enumerate(found):
        assert sorted(documents) == sorted({f"d{row}" for row in (*one[at], *two[at], *three[at])})
    # Which arm found what, and at which rank, leaves no trace in the order.
    turned = [list(reversed(line)) for line in three]
    assert found == pooled(QUERIES, [ranked(turned), ranked(one), ranked(two)], CORPUS, seed)


def test_orders_differ_by_seed_and_query_and_favour_nobody():
    ids = [f"d{n}" for n in range(20)]
    assert shuffled("a", ids, 0) == shuffled("a", reversed(ids), 0)
    assert len({tuple(shuffled(query, ids, seed)) for query in "abc" for seed in range(3)}) == 9
    places = np.mean([[shuffled(f"q{n}", ids, 0).index(doc_id) for doc_id in ids] for n in range(400)], axis=0)
    assert np.all(np.abs(places - 9.5) < 4 * 5.77 / 20)


def test_a_pool_grows_without_turning_what_was_there():
    before = shuffled("q", ["a", "b", "c"], 0)
    after = shuffled("q", [*before, "d", "e"], 0)
    assert [doc_id for doc_id in after if doc_id in before] == before
