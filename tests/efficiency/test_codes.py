"""Codes store and find what a naive implementation does, in as many bytes as they say."""

import re

import numpy as np
import pytest
from efficiency import naive
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval.vectors import clustered

from shoptalk.efficiency.codes import Full, Int4, Int8
from shoptalk.efficiency.cut import cut
from shoptalk.efficiency.index_precision import PRECISIONS, compressed
from shoptalk.efficiency.signs import Signs
from shoptalk.errors import InputError
from shoptalk.retrieval.dense import search
from shoptalk.retrieval.index.tuning import recalls

DOCUMENTS, QUERIES = clustered(900, d=24), clustered(60, d=24, seed=1)
COPIES = np.concatenate([DOCUMENTS, np.repeat(DOCUMENTS[5:8], 40, axis=0)])  # ties, and more of them than a few


@pytest.fixture(params=list(PRECISIONS))
def precision(request):
    return request.param


@pytest.mark.parametrize("dimension", [24, 13, 1])
def test_a_cut_is_the_head_at_unit_length(dimension):
    np.testing.assert_allclose(cut(DOCUMENTS, dimension), naive.cut(DOCUMENTS, dimension), atol=1e-6)
    full = compressed(DOCUMENTS, dimension, "fp32")
    np.testing.assert_allclose(full.vectors, naive.cut(DOCUMENTS, dimension), atol=1e-6)
    assert full.vectors.dtype == np.float32


def test_whole_vectors_are_neither_copied_nor_touched():
    assert compressed(DOCUMENTS, 24, "fp32").vectors is DOCUMENTS
    assert (cut(np.zeros((1, 4), np.float32), 2) == 0).all()


@pytest.mark.parametrize(("kind", "bits", "share"), [(Int8, 8, 0.0), (Int4, 4, 0.005)])
@pytest.mark.parametrize("dimension", [24, 13])
def test_scalar_codes_are_the_naive_ones(kind, bits, share, dimension):
    vectors = naive.cut(COPIES, dimension).astype(np.float32)
    stored = naive.scalar(vectors, bits, *naive.bounds(vectors, share))
    codes = kind.of(COPIES, dimension)
    # A value on the border of two steps may fall to either side.
    off = np.abs(codes[np.arange(len(COPIES))] - stored) > 1e-6
    assert off.mean() < 1e-3
    asked = cut(QUERIES, dimension)
    truth = naive.best(asked.astype(np.float64) @ codes[np.arange(len(COPIES))].T.astype(np.float64), 10)
    found = codes.search(asked, 10)
    np.testing.assert_allclose(found.scores, truth.scores, atol=1e-6)
    assert (found.rows == truth.rows).mean() > 0.99


@pytest.mark.parametrize("dimension", [24, 13, 8])
@pytest.mark.parametrize("k", [1, 10, 500])
def test_binary_search_is_the_naive_one_ties_included(dimension, k):
    truth = naive.best(1 - 2 * naive.hamming(QUERIES[:, :dimension], COPIES[:, :dimension]) / dimension, k)
    found = Signs.of(COPIES, dimension).search(cut(QUERIES, dimension), k)
    assert (found.rows == truth.rows).all()
    np.testing.assert_allclose(found.scores, truth.scores, atol=1e-6)


def test_bytes_are_those_of_what_is_stored(precision):
    m, d = COPIES.shape
    ranges = 2 * 4 * 13  # of int8 and int4: two bounds of each dimension
    expected = {
        "fp32": 4 * 13 * m,
        "int8": 13 * m + ranges,
        "int4": 7 * m + ranges,
        "binary": 2 * m,
        "binary+int8": (2 + 13) * m + ranges,
        "binary+fp32": (2 + 52) * m,
    }
    codes = compressed(COPIES, 13, precision)
    assert codes.bytes == expected[precision] and codes.shape == (m, 13) and d == 24
    assert 0 <= codes.bytes - m * codes.per_document(13) <= ranges


def test_results_fall_and_ties_go_by_row(precision):
    found = compressed(COPIES, 24, precision).search(COPIES[3:9], 60)
    for rows, scores in zip(found.rows.tolist(), found.scores.tolist(), strict=True):
        assert [*zip([-s for s in scores], rows, strict=True)] == sorted(zip([-s for s in scores], rows, strict=True))
        assert len(set(rows)) == 60
    # Rows 5, 900, 901, ... are one vector: the one that stands first comes first.
    assert found.rows[2, :41].tolist() == [5, *range(900, 940)]


def test_full_precision_is_exact_search():
    truth = search(QUERIES, COPIES, 30)
    found = compressed(COPIES, 24, "fp32").search(QUERIES, 30)
    assert (found.rows == truth.rows).all() and (found.scores == truth.scores).all()


def test_rescoring_finds_more_and_more_with_more_candidates():
    truth = search(QUERIES, DOCUMENTS, 10)

    def recall(precision: str, rescored: int = 40) -> float:
        return recalls(compressed(DOCUMENTS, 24, precision, rescored).search(QUERIES, 10), truth).mean()

    signs = recall("binary")
    assert signs <= recall("binary+fp32", 10) < recall("binary+fp32", 40) < recall("binary+fp32", 300)
    assert signs < recall("binary+int8") and recall("binary+fp32", 900) == 1.0
    assert recall("int8") > recall("int4") > signs


def test_a_search_for_fewer_is_the_head_of_one_for_more(precision):
    codes = compressed(COPIES, 13, precision)
    asked = cut(QUERIES, 13)
    few, many = codes.search(asked, 10), codes.search(asked, 100)
    assert (few.rows == many.rows[:, :10]).all() and (few.scores == many.scores[:, :10]).all()


@pytest.mark.parametrize("beside", [Full, Int8])
def test_rescored_results_are_scored_by_what_lies_beside(beside):
    codes = compressed(DOCUMENTS, 13, f"binary+{beside.name}")
    asked = cut(QUERIES, 13)
    found = codes.search(asked, 10)
    assert (found.scores == beside.of(DOCUMENTS, 13).scores(asked, found.rows)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(1, 6), st.integers(0, 99), st.sampled_from(list(PRECISIONS)))
def test_little_is_no_trouble(m, k, d, seed, precision):
    random = np.random.default_rng(seed)
    vectors = random.integers(-1, 2, (m, 6)).astype(np.float32)
    found = compressed(vectors, d, precision).search(np.ones((2, d), np.float32), k)
    assert found.rows.shape == found.scores.shape == (2, k)
    assert ((found.rows >= 0).sum(axis=1) == min(k, m)).all() and (found.rows < m).all()
    assert (found.scores[found.rows < 0] == -np.inf).all()


def test_what_is_written_is_read(precision, tmp_path):
    codes = compressed(DOCUMENTS, 13, precision, rescored=20)
    codes.write(tmp_path)
    again, asked = type(codes).read(tmp_path), cut(QUERIES, 13)
    one, two = codes.search(asked, 10), again.search(asked, 10)
    assert (one.rows == two.rows).all() and (one.scores == two.scores).all() and again.bytes == codes.bytes


def test_ranges_come_from_a_sample_always_the_same(monkeypatch):
    monkeypatch.setattr("shoptalk.efficiency.codes._SAMPLED", 100)
    one, two = (Int8.of(DOCUMENTS, 24) for _ in "ab")
    rows = np.arange(len(DOCUMENTS))
    assert (one[rows] == two[rows]).all()
    few = np.sort(np.random.default_rng(0).choice(len(DOCUMENTS), 100, replace=False))
    low, high = naive.bounds(DOCUMENTS[few])
    clipped = np.clip(DOCUMENTS, low, high)
    assert np.abs(one[rows] - clipped).max() <= 1.01 * (high - low).max() / 255
    assert (clipped != DOCUMENTS).any()


def test_memory_mapped_vectors_do(precision, tmp_path):
    np.save(tmp_path / "v.npy", DOCUMENTS)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    for dimension in (24, 13):
        one, two = (compressed(v, dimension, precision).search(cut(QUERIES, dimension), 5) for v in (DOCUMENTS, mapped))
        assert (one.rows == two.rows).all() and (one.scores == two.scores).all()


def test_a_vector_that_is_not_finite_is_refused(precision):
    bad = DOCUMENTS.copy()
    bad[3, 20] = np.nan
    with pytest.raises(InputError, match=re.escape("document's embedding is not finite")):
        compressed(bad, 13, precision)
