"""Which index is taken, told by a clock that a test winds."""

import numpy as np
import pytest
from retrieval.vectors import clustered

from shoptalk.cache import Cache
from shoptalk.retrieval import products
from shoptalk.retrieval.dense import inner_products, search
from shoptalk.retrieval.index.auto import Auto
from shoptalk.retrieval.index.ivf import IVF
from shoptalk.retrieval.index.pq import PQ

DOCUMENTS, QUERIES = clustered(1500), clustered(640, seed=1)
TRUTH = search(QUERIES, DOCUMENTS, 10)


class Few(IVF):
    """An index whose building is reckoned at next to nothing, and which counts it."""

    added = 0

    def products(self, m):
        return 0.0

    def add(self, structure, block):
        type(self).added += 1
        super().add(structure, block)


@pytest.fixture(autouse=True)
def counted():
    Few.added = 0


def make(tmp_path, *, exact=1.0, build=0.0, search=0.1, recall=0.9, candidates=(Few,), **options):
    """An ``Auto`` whose clock shows ``exact`` for all of exact search, and so on; building has 33 steps or so."""
    shares = {"exact": exact * 40 / 640, "build": build / 33, "search": search}
    timed = lambda name, work: (work(), shares[name])  # noqa: E731
    return Auto(candidates, recall, timed=timed, **{"measured_from": 0.0, **options}).over(DOCUMENTS, Cache(tmp_path))


def exactly(found):
    return (found.rows == TRUTH.rows).all() and (found.scores == TRUTH.scores).all()


def test_what_pays_is_taken(tmp_path):
    auto = make(tmp_path, exact=10, build=3, search=2)
    found = auto(QUERIES, 10)
    assert not exactly(found) and (found.scores == inner_products(QUERIES, DOCUMENTS, found.rows)).all()
    [told] = auto.notices
    assert told.startswith("index=auto took ivf: 3 s to build and about 2 s to search, against about 10 s of exact")


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        ({"exact": 10, "build": 20}, "to build ivf takes 20 s or more."),
        ({"exact": 10, "build": 6, "search": 5}, "ivf takes 6 s to build and about 5 s to search"),
    ],
)
def test_what_does_not_pay_is_not_taken(tmp_path, seconds, reason):
    auto = make(tmp_path, **seconds)
    assert exactly(auto(QUERIES, 10))
    [told] = auto.notices
    assert told.startswith("index=auto searched exactly, in about 10 s by 40 sampled queries: ") and reason in told
    assert not (tmp_path / "index").exists()  # nothing is kept that is not used


def test_a_gpu_searches_exactly_without_more_ado(tmp_path, monkeypatch):
    monkeypatch.setattr(products, "on_gpu", lambda queries: True)
    auto = make(tmp_path, exact=10, build=3, search=2)
    assert exactly(auto(QUERIES, 10)) and auto.notices == [
        "index=auto searched exactly, on the GPU that the model uses."
    ]
    assert not (tmp_path / "index-choice").exists() and Few.added == 0


def test_building_is_broken_off_as_soon_as_it_cannot_pay(tmp_path):
    make(tmp_path, exact=10, build=100)(QUERIES, 10)
    assert Few.added <= 3


def test_too_little_recall_is_not_taken(tmp_path):
    auto = make(tmp_path, exact=1000, candidates=[lambda recall: Few(lists=40, probes=1, recall=recall)])
    assert exactly(auto(QUERIES, 10))
    [told] = auto.notices
    assert "of the exact top 10 with probes=1" in told and told.endswith("less than index.recall=0.9.")


def test_a_choice_is_kept_although_the_clock_goes_otherwise(tmp_path):
    first = make(tmp_path, exact=10, search=2)
    found = first(QUERIES, 10)
    again = make(tmp_path, exact=1, search=100)
    second = again(QUERIES, 10)
    assert (second.rows == found.rows).all() and again.notices == first.notices
    other = make(tmp_path, exact=1, search=100)
    assert exactly(other(QUERIES[::-1], 10)) is np.False_  # rows of other queries
    assert other.notices != first.notices and "searched exactly" in other.notices[0]


def test_a_choice_not_to_take_an_index_is_kept_too(tmp_path):
    make(tmp_path, exact=1, search=100)(QUERIES, 10)
    again = make(tmp_path, exact=100, search=1)
    assert exactly(again(QUERIES, 10)) and "searched exactly" in again.notices[0]


def test_an_index_that_is_there_costs_nothing_to_build(tmp_path):
    make(tmp_path, exact=10, build=3)(QUERIES, 10)
    auto = make(tmp_path, exact=10, build=1000)
    auto(QUERIES, 12)
    assert "took ivf: 0 s to build" in auto.notices[0]


@pytest.mark.parametrize("options", [{"measured_from": 640 * 1500 * 16.0}, {"candidates": (IVF,)}, {"candidates": ()}])
def test_small_searches_are_exact_without_more_ado(tmp_path, options):
    """Few multiplications; fewer queries than an index has to compare each document with; nothing to choose from."""
    auto = make(tmp_path, **options)
    queries = QUERIES if "measured_from" in options else QUERIES[:30]
    assert (auto(queries, 10).rows == TRUTH.rows[: len(queries)]).all()
    assert auto.notices == [] and not list(tmp_path.iterdir())


def test_the_first_that_fits_into_memory_is_tried(tmp_path):
    class Small(PQ):
        def products(self, m):
            return 0.0

    both = {"candidates": (Few, Small), "exact": 100}
    needed = [kind().memory(1500, 16) for kind in (Few, Small)]
    assert needed[1] < needed[0]
    told = [
        make(tmp_path / str(free), free=lambda free=free: free, **both)
        for free in (needed[0], needed[1], needed[1] - 1)
    ]
    for auto in told:
        auto(QUERIES, 10)
    assert [auto.notices[0].partition(":")[0] for auto in told] == [
        "index=auto took ivf",
        "index=auto took pq",
        "index=auto searched exactly",
    ]
    assert told[2].notices == ["index=auto searched exactly: no index of 1,500 documents fits into free memory."]


def test_the_clock_is_real_where_none_is_given(tmp_path):
    auto = Auto([Few], 0.9, measured_from=0).over(DOCUMENTS, Cache(tmp_path))
    auto(QUERIES, 10)
    assert "index=auto" in auto.notices[0]
