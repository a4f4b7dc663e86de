"""Approximate indexes: what they find is scored exactly, and what they miss is told."""

import re

import numpy as np
import pytest
from retrieval.vectors import clustered

from shoptalk.cache import Cache
from shoptalk.errors import InputError
from shoptalk.retrieval.dense import Dense, inner_products, search
from shoptalk.retrieval.index.base import Exact
from shoptalk.retrieval.index.built import Built, content_of, read, write
from shoptalk.retrieval.index.hnsw import HNSW
from shoptalk.retrieval.index.ivf import IVF
from shoptalk.retrieval.index.pq import PQ
from shoptalk.retrieval.index.tuning import recalls, sample, tune
from shoptalk.retrieval.topk import in_order

KINDS = {"ivf": IVF, "pq": PQ, "hnsw": HNSW}
DOCUMENTS, QUERIES = clustered(1500), clustered(200, seed=1)
TRUTH = search(QUERIES, DOCUMENTS, 10)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(params=list(KINDS))
def kind(request):
    return KINDS[request.param]


def test_scores_are_exact_and_ties_go_by_row(kind, cache):
    found = kind().over(DOCUMENTS, cache)(QUERIES, 10)
    assert (found.scores == inner_products(QUERIES, DOCUMENTS, found.rows)).all()
    rows, _ = in_order(found.rows, found.scores)
    assert (rows == found.rows).all() and (found.rows >= 0).all()
    assert all(len(set(line)) == 10 for line in found.rows.tolist())


def test_recall_is_told_as_it_is(kind, cache):
    near = kind().over(DOCUMENTS, cache)
    found = near(QUERIES, 10)
    assert recalls(found, TRUTH).mean() > 0.9
    asked = sample(QUERIES)
    tuned = tune(near.built, asked, search(asked, DOCUMENTS, 10))
    again = near.built.search(asked, 10, tuned.effort)
    true = search(asked, DOCUMENTS, 10)
    shares = [len({*a} & {*b}) / 10 for a, b in zip(again.rows.tolist(), true.rows.tolist(), strict=True)]
    assert tuned.recall == pytest.approx(np.mean(shares)) and tuned.low <= tuned.recall
    [told] = near.notices
    assert f"finds {tuned.recall:.1%} of the exact top 10 with {near.kind.unit}={tuned.effort}" in told


def test_less_effort_would_not_do(kind, cache):
    near = kind(recall=0.9).over(DOCUMENTS, cache)
    asked = sample(QUERIES)
    truth = search(asked, DOCUMENTS, 10)
    tuned, efforts = tune(near.built, asked, truth), near.kind.efforts(near.built.structure(), 10)
    assert tuned.low >= 0.9
    if (place := efforts.index(tuned.effort)) > 0:
        less = recalls(near.built.search(asked, 10, efforts[place - 1]), truth)
        assert less.mean() - 2 * less.std(ddof=1) / np.sqrt(len(less)) < 0.9


def test_all_lists_are_exact_search(cache):
    found = IVF(lists=20, probes=20).over(DOCUMENTS, cache)(QUERIES, 10)
    assert (found.rows == TRUTH.rows).all() and (found.scores == TRUTH.scores).all()


def test_too_little_effort_is_told(cache):
    near = IVF(lists=50, probes=1, recall=0.99).over(DOCUMENTS, cache)
    near(QUERIES, 10)
    [told] = near.notices
    share = float(re.search(r"finds ([\d.]+)%", told)[1])
    assert share < 90 and told.endswith("less than index.recall=0.99 asks for.")


def test_lines_that_come_out_short_are_searched_exactly(cache):
    # The lists have 30 documents, the search asks for 100.
    found = IVF(lists=50, probes=1).over(DOCUMENTS, cache)(QUERIES, 100)
    truth = search(QUERIES, DOCUMENTS, 100)
    assert (found.rows >= 0).all() and recalls(found, truth).mean() > 0.9


def test_it_is_built_once_for_the_same_vectors(kind, tmp_path, monkeypatch):
    first = kind().over(DOCUMENTS, Cache(tmp_path))(QUERIES, 10)
    monkeypatch.setattr(kind, "learn", None)
    near = kind().over(DOCUMENTS.copy(), Cache(tmp_path))
    again = near(QUERIES, 10)
    assert (again.rows == first.rows).all() and near.notices
    with pytest.raises(TypeError):
        kind().over(DOCUMENTS + 1, Cache(tmp_path))(QUERIES, 10)


def test_it_is_a_function_of_its_vectors(kind, tmp_path):
    one, two = (kind().over(DOCUMENTS, Cache(tmp_path / name))(QUERIES, 10) for name in "ab")
    assert (one.rows == two.rows).all()


def test_an_index_of_another_corpus_is_refused(kind, tmp_path):
    mine, other = kind(), clustered(1500, seed=5)
    built = Built(mine, DOCUMENTS, content_of(DOCUMENTS), Cache(tmp_path / "cache"))
    write(mine, built.structure(), tmp_path, built.content)
    read(mine, tmp_path, content_of(DOCUMENTS))
    with pytest.raises(InputError, match="is an index file of another corpus") as refused:
        read(mine, tmp_path, content_of(other))
    assert str(refused.value).count(".") <= 1 + str(tmp_path).count(".")


def test_an_index_that_was_moved_is_refused(tmp_path):
    """A folder of the cache that holds what it should not."""
    cache = Cache(tmp_path)
    one, two = (Built(IVF(), v, content_of(v), cache) for v in (DOCUMENTS, clustered(1500, seed=5)))
    one.keep().rename(two.keep().with_name("aside"))
    (tmp_path / "index" / two.key).rename(tmp_path / "index" / one.key)
    (tmp_path / "index" / "aside").rename(tmp_path / "index" / two.key)
    with pytest.raises(InputError, match="another corpus"):
        Built(IVF(), DOCUMENTS, content_of(DOCUMENTS), cache).structure()


def test_memory_mapped_vectors_do(kind, tmp_path):
    np.save(tmp_path / "v.npy", DOCUMENTS)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert content_of(mapped) == content_of(DOCUMENTS) != content_of(DOCUMENTS[:-1])
    found = kind().over(mapped, Cache(tmp_path / "cache"))(QUERIES, 10)
    assert (found.scores == inner_products(QUERIES, DOCUMENTS, found.rows)).all()


@pytest.mark.parametrize("option", [Exact(), IVF(), PQ(), HNSW()])
def test_what_every_option_does_with_little(option, tmp_path):
    empty = option.over(np.empty((0, 3), np.float32), Cache(tmp_path))(np.ones((2, 3), np.float32), 2)
    assert empty.rows.tolist() == [[-1, -1]] * 2
    few = option.over(np.eye(3, dtype=np.float32), Cache(tmp_path))(np.eye(3, dtype=np.float32)[1:], 5)
    assert few.rows.tolist() == [[1, 0, 2, -1, -1], [2, 0, 1, -1, -1]]
    nobody = option.over(DOCUMENTS, Cache(tmp_path))(DOCUMENTS[:0], 4)
    assert nobody.rows.shape == nobody.scores.shape == (0, 4)


@pytest.mark.parametrize("option", [Exact(), IVF(), PQ(), HNSW()])
def test_what_every_option_refuses(option, tmp_path):
    bad = DOCUMENTS.copy()
    bad[7, 3] = np.nan
    with pytest.raises(InputError, match="document's embedding is not finite"):
        option.over(bad, Cache(tmp_path))
    searcher = option.over(DOCUMENTS, Cache(tmp_path))
    with pytest.raises(InputError, match="query's embedding is not finite"):
        searcher(bad[:10], 3)
    with pytest.raises(InputError, match="differ in dimension"):
        searcher(QUERIES[:, :5], 3)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: IVF(lists=0), "index.lists=0 must be 1 or more"),
        (lambda: HNSW(breadth=0), "index.breadth=0 must be 1 or more"),
        (lambda: PQ(recall=1.5), "index.recall=1.5 must lie above 0"),
    ],
)
def test_bad_settings_say_so(make, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        make()


def test_codes_need_documents(tmp_path):
    with pytest.raises(InputError, match="256 documents or more, not 200: choose index=exact"):
        PQ().over(DOCUMENTS[:200], Cache(tmp_path))(QUERIES, 10)


def test_dense_searches_by_its_index(cache):
    near = IVF(lists=50, probes=1, recall=0.1).over(DOCUMENTS, cache)
    dense = Dense(lambda texts, kind: QUERIES[[int(t) for t in texts]], DOCUMENTS, near)
    assert dense.notices == []
    found = dense([str(i) for i in range(200)], 10)
    assert not (found.rows == TRUTH.rows).all() and dense.notices == near.notices != []
    assert (dense.score([str(i) for i in range(200)], found.rows) == found.scores).all()
