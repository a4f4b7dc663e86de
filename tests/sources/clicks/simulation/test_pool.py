import numpy as np
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.pool import Pool, draw

SESSIONS = 200_000


@pytest.fixture(scope="module")
def lists():
    return draw(Pool(), SESSIONS, seed=0)


def test_shapes_and_truth(lists):
    assert lists.document.shape == lists.relevance.shape == (SESSIONS, 10)
    assert lists.relevance.dtype == np.float32
    assert lists.relevant.shape == (1000, 30)
    assert (lists.relevant.sum(axis=1) == 3).all()
    for search in range(0, SESSIONS, 20_011):
        shown, truth = lists.document[search], lists.relevant[lists.query[search]]
        assert len(set(shown.tolist())) == 10
        assert lists.relevance[search].tolist() == [float(truth[d]) for d in shown]


def test_traffic_is_zipf(lists):
    rank = np.arange(1, 1001)
    expected = SESSIONS / rank / (1 / rank).sum()
    times = np.bincount(lists.query, minlength=1000)
    assert (np.abs(times - expected) <= 5 * np.sqrt(expected)).all()


def test_flat_traffic():
    times = np.bincount(draw(Pool(queries=10, zipf=0.0), SESSIONS, seed=0).query)
    assert times == pytest.approx(np.full(10, SESSIONS / 10), rel=0.05)


def test_rankers_are_deterministic_alike_often_and_differ(lists):
    assert np.bincount(lists.ranker) == pytest.approx(np.full(3, SESSIONS / 3), rel=0.02)
    assert (lists.document == lists.orders[lists.ranker, lists.query]).all()
    for one, other in ((0, 1), (0, 2), (1, 2)):
        same = (lists.orders[one] == lists.orders[other]).mean()
        assert same < 0.15


def test_rankers_prefer_what_is_relevant_by_their_strength():
    def share_at_the_top(strength):
        return draw(Pool(strength=strength), 20_000, seed=0).relevance[:, 0].mean()

    assert share_at_the_top(0.0) == pytest.approx(0.1, abs=0.05)
    assert share_at_the_top(0.0) < share_at_the_top(1.0) < share_at_the_top(2.0)
    assert share_at_the_top(20.0) == 1


def test_same_seed_same_lists_another_seed_others_and_more_sessions_the_same_world():
    one, again, other = (draw(Pool(), 1_000, seed) for seed in (3, 3, 4))
    for name in ("query", "ranker", "document", "relevance", "relevant", "orders"):
        assert (getattr(one, name) == getattr(again, name)).all()
        assert (getattr(one, name) != getattr(other, name)).any()
    more = draw(Pool(), 2_000, 3)
    assert (more.relevant == one.relevant).all() and (more.orders == one.orders).all()


@pytest.mark.parametrize("bad", [{"queries": 0}, {"list_length": 31}, {"relevant": 31}, {"relevant": -1}])
def test_impossible_pools(bad):
    with pytest.raises(InputError, match="pool"):
        Pool(**bad)
