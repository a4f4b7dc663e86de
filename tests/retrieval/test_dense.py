import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.retrieval import dense, products
from shoptalk.retrieval.dense import Dense, search


def naive(queries, documents, k):
    lines = []
    for query in queries:
        scored = sorted((-float(query @ document), row) for row, document in enumerate(documents))[:k]
        lines.append([(row, -score) for score, row in scored] + [(-1, -np.inf)] * (k - len(scored)))
    return lines


@given(st.integers(0, 40), st.integers(1, 15), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_equals_a_naive_loop(n, m, k, seed):
    # Small integers: products are exact in float32 and ties are many.
    rng = np.random.default_rng(seed)
    queries, documents = (rng.integers(-1, 2, (size, 3)).astype(np.float32) for size in (n, m))
    found = search(queries, documents, k)
    pairs = [list(zip(r, s, strict=True)) for r, s in zip(found.rows.tolist(), found.scores.tolist(), strict=True)]
    assert pairs == naive(queries, documents, k)


@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 7), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_blocks_of_any_size_equal_a_naive_loop(m, k, rows, held, seed):
    rng = np.random.default_rng(seed)
    queries, documents = (rng.integers(-1, 2, (size, 3)).astype(np.float32) for size in (5, m))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "_BLOCK_BYTES", 4 * 3 * rows)
        patch.setattr(dense, "_HELD", held)
        found = search(queries, documents, k)
    pairs = [list(zip(r, s, strict=True)) for r, s in zip(found.rows.tolist(), found.scores.tolist(), strict=True)]
    assert pairs == naive(queries, documents, k)


@pytest.mark.parametrize("rows", [1, 37, 199])
def test_blocks_change_no_digit(monkeypatch, rows):
    rng = np.random.default_rng(0)
    queries, documents = (rng.normal(size=(size, 24)).astype(np.float32) for size in (70, 400))
    documents[50:400:7] = documents[3]  # far more equals than are looked at beyond k, in every block
    whole = search(queries, documents, 10)
    monkeypatch.setattr(dense, "_BLOCK_BYTES", 4 * 24 * rows)
    parts = search(queries, documents, 10)
    assert (parts.rows == whole.rows).all() and (parts.scores == whole.scores).all()
    true = queries.astype(np.float64) @ documents.T.astype(np.float64)
    assert (np.abs(whole.scores - np.take_along_axis(true, whole.rows, axis=1)) < 1e-6).all()


def test_equal_documents_come_by_row():
    found = search(np.ones((2, 3), np.float32), np.ones((500, 3), np.float32), 4)
    assert found.rows.tolist() == [[0, 1, 2, 3]] * 2


def test_faiss_is_left_as_it_was():
    import faiss

    before = faiss.cvar.distance_compute_blas_threshold
    search(np.ones((2, 3), np.float32), np.ones((5, 3), np.float32), 1)
    assert faiss.cvar.distance_compute_blas_threshold == before


def test_reads_a_memory_map_and_leaves_it_alone(tmp_path):
    vectors = np.eye(4, dtype=np.float32)
    np.save(tmp_path / "v.npy", vectors)
    found = search(vectors[:2], np.load(tmp_path / "v.npy", mmap_mode="r"), 1)
    assert found.rows.tolist() == [[0], [1]]


def test_dense_scores_agree_with_its_search():
    documents = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    corpus = Dense(lambda texts, kind: np.stack([documents[int(t)] for t in texts]), documents)
    found = corpus(["3", "5"], 12)
    assert found.rows[:, 9:].tolist() == [[-1] * 3] * 2
    assert (corpus.score(["3", "5"], found.rows) == found.scores).all()


@pytest.mark.parametrize("where", ["queries", "documents"])
def test_vectors_that_are_not_finite_are_refused(where):
    good, bad = np.ones((2, 3), np.float32), np.array([[1, np.nan, 0]], np.float32)
    arguments = (bad, good) if where == "queries" else (good, bad)
    with pytest.raises(InputError, match="not finite"):
        search(*arguments, 1)


def test_dimensions_that_differ_are_refused():
    with pytest.raises(InputError, match="differ in dimension"):
        search(np.ones((1, 2), np.float32), np.ones((1, 3), np.float32), 1)


@pytest.mark.parametrize("k", [10, 3000])
def test_torch_finds_what_faiss_does(monkeypatch, k):
    asked, vectors = (np.random.default_rng(n).normal(size=(n, 8)).astype(np.float32) for n in (70, 4000))
    vectors[1000:1100] = vectors[:100]  # ties
    monkeypatch.setattr(products, "device", lambda queries: None)
    expected, used = search(asked, vectors, k), []

    def near(*given):
        used.append(given)
        scores, rows = nearest(*given)
        return scores * np.float32(1 + 1e-6), rows  # another rounding

    nearest = products.nearest
    monkeypatch.setattr(products, "device", lambda queries: "cpu")
    monkeypatch.setattr(products, "nearest", near)
    monkeypatch.setitem(products._SCORES, "cpu", 4 * 700 * 16)  # several parts of the queries
    monkeypatch.setattr(dense, "_BLOCK_BYTES", 4 * 8 * 700)
    found = search(asked, vectors, k)
    assert len(used) >= 6 and (found.rows == expected.rows).all() and (found.scores == expected.scores).all()


@given(columns=st.integers(1, 300), wide=st.integers(1, 20), levels=st.integers(1, 400), seed=st.integers(0, 2**32 - 1))
def test_the_best_of_groups_are_the_best_of_all(columns, wide, levels, seed):
    wide = min(wide, columns)
    drawn = np.random.default_rng(seed).integers(levels, size=(3, columns))  # few levels are many ties
    scores = torch.from_numpy(drawn.astype(np.float32))
    values, found = products.best(scores, wide)
    assert torch.equal(values, torch.topk(scores, wide, dim=1).values)
    assert torch.equal(scores.gather(1, found), values)
    assert all(len(set(line)) == wide for line in found.tolist())


def test_many_queries_are_multiplied_on_the_gpu_in_use_or_the_processor_and_without_torch_by_faiss(monkeypatch):
    assert products.device(10_000) == torch.device("cpu") and products.device(1) is None
    assert not products.on_gpu(10_000)  # torch is there, a GPU is not in use
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert products.device(10_000) == torch.device("cuda", 1) and products.device(1) is None
    assert products.on_gpu(10_000) and not products.on_gpu(1)
    monkeypatch.delitem(sys.modules, "torch")
    assert products.device(10_000) is None


def test_a_query_alone_has_the_digits_it_has_among_others():
    rng = np.random.default_rng(0)
    queries, documents = (rng.normal(size=(size, 37)).astype(np.float32) for size in (40, 300))
    whole = search(queries, documents, 20)
    for row in range(len(queries)):
        alone = search(queries[row : row + 1], documents, 20)
        assert (alone.rows[0] == whole.rows[row]).all() and (alone.scores[0] == whole.scores[row]).all()


def test_documents_are_looked_at_once_and_queries_each_time():
    documents = np.eye(3, dtype=np.float32)
    asked = [np.full((1, 3), np.nan, np.float32), documents, documents[:1]]
    search_texts = Dense(lambda texts, kind: asked.pop(), documents)
    assert search_texts(["a"], 1).rows.tolist() == [[0]] and search_texts(list("abc"), 1).rows.tolist() == [
        [0],
        [1],
        [2],
    ]
    with pytest.raises(InputError, match="query's embedding is not finite"):
        search_texts(["a"], 1)
    bad = Dense(lambda texts, kind: documents, np.full((2, 3), np.inf, np.float32))
    for _ in range(2):
        with pytest.raises(InputError, match="document's embedding is not finite"):
            bad(list("abc"), 1)
