from collections import defaultdict
from itertools import combinations

import numpy as np
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.em import PositionEM
from shoptalk.sources.clicks.propensity.identify import link_counts, linked_ranks
from shoptalk.sources.clicks.propensity.intervention import AdjacentChain, AllPairs
from shoptalk.sources.clicks.propensity.regression import RegressionEM

ALL = (AllPairs, AdjacentChain, PositionEM, RegressionEM)


def features(pairs):
    return np.random.default_rng(0).normal(size=(pairs.height, 2)).astype(np.float32)


def with_features(observed):
    return Observed(observed.by_position, observed.lists, features)


def linked_by(worlds, *links, pairs=60, shown=20):
    """Pairs, each shown at the ranks of one of ``links``."""
    rows = []
    for number, ranks in enumerate(links):
        for q in range(pairs):
            rows += [(1000 * number + q, "d", k, shown, shown // (2 * k) or 1) for k in ranks]
    return with_features(worlds.counted(rows))


def test_links_equal_plain_loops(worlds, position_log):
    seen = defaultdict(set)
    for query, doc, rank, shown, _ in position_log.observed.by_position.rows():
        if shown >= 30:
            seen[query, doc].add(rank - 1)
    expected = np.zeros((6, 6), dtype=int)
    for ranks in seen.values():
        for a, b in combinations(sorted(ranks), 2):
            expected[a, b] += 1
            expected[b, a] += 1
    assert (link_counts(position_log.observed, 30) == expected).all()
    assert expected.sum() > 100


@pytest.mark.parametrize("estimator", ALL)
def test_one_ranker_is_refused(worlds, estimator):
    query, document, quality = worlds.shown_lists(20_000, rankers=1)
    clicked = worlds.position_clicks(quality[query[:, None], document], 1 / np.arange(1, 7), np.random.default_rng(0))
    with pytest.raises(InputError, match=r"ranks 2 to 6 .* 0 .*50 are needed.*propensity=given"):
        estimator().estimate(with_features(Observed.of_lists(query, document, clicked)))


@pytest.mark.parametrize("estimator", ALL)
def test_halves_that_nothing_links_are_refused(worlds, estimator):
    with pytest.raises(InputError, match="ranks 3 to 4"):
        estimator().estimate(linked_by(worlds, (1, 2), (3, 4)))


@pytest.mark.parametrize("estimator", ALL)
def test_too_few_pairs_are_refused_and_enough_are_not(worlds, estimator):
    observed = linked_by(worlds, (1, 2), (2, 3), pairs=30)
    with pytest.raises(InputError, match=r"30 .*50 are needed"):
        estimator().estimate(observed)
    assert len(estimator(min_pairs=30).estimate(observed).theta) == 3


@pytest.mark.parametrize("estimator", (AllPairs, AdjacentChain, PositionEM))
def test_a_rare_deep_rank_borrows_from_above(worlds, estimator):
    rows = [*linked_by(worlds, (1, 2), (2, 3)).by_position.rows(), (0, "rare", 5, 3, 1)]
    found = estimator().estimate(worlds.counted(rows))
    assert len(found.theta) == 5
    assert found.theta[3] == found.theta[4] == found.theta[2] < found.theta[1]
    assert len(found.notices) == 1 and "5" in found.notices[0]


def test_a_chain_needs_every_neighbouring_pair(worlds):
    observed = linked_by(worlds, (1, 2), (1, 3))
    assert linked_ranks(observed, 50, "AllPairs").all()
    assert AllPairs().estimate(observed).theta == pytest.approx([1, 0.5, 0.3], abs=1e-3)
    with pytest.raises(InputError, match="AdjacentChain"):
        AdjacentChain().estimate(observed)
    one = worlds.counted(observed.by_position.rows() + [(5000, "d", k, 20, 5) for k in (2, 3)])
    with pytest.raises(InputError, match="AdjacentChain"):  # a single pair is no link
        AdjacentChain().estimate(one)


@pytest.mark.parametrize("estimator", ALL)
def test_impossible_link_options(estimator):
    with pytest.raises(InputError, match="min_pairs"):
        estimator(min_pairs=0)
