"""Cohen's kappa against published figures and by hand, and its interval."""

import numpy as np
import pytest

from shoptalk.judging.agreement import agreement, kappa, kappas


def grades(table):
    """Two judges with these counts [one's grade, the other's], ten documents a query."""
    pairs = [(a, b) for a, row in enumerate(table) for b, count in enumerate(row) for _ in range(count)]
    pairs = [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))]
    keys = [(f"q{n // 10}", f"d{n}") for n in range(len(pairs))]
    one, other = zip(*pairs, strict=True)
    return dict(zip(keys, one, strict=True)), dict(zip(keys, other, strict=True))


def by_hand(table, linear):
    table = np.array(table, float)
    table /= table.sum()
    places = np.arange(len(table))
    cost = np.abs(places[:, None] - places) if linear else (places[:, None] != places).astype(float)
    expected = np.outer(table.sum(1), table.sum(0))
    return 1 - (cost * table).sum() / (cost * expected).sum()


def test_a_known_value():
    # 20 yes and 15 no in common of 50, with marginals 25/25 and 30/20: (0.7 - 0.5) / (1 - 0.5).
    assert kappa(np.array([[20, 5, 0, 0], [10, 15, 0, 0], [0] * 4, [0] * 4]), None) == pytest.approx(0.4)


@pytest.mark.parametrize("seed", range(5))
def test_both_kinds_by_hand(seed):
    table = np.random.default_rng(seed).integers(0, 20, (4, 4)) + np.eye(4, dtype=int) * 20
    found = agreement(*grades(table.tolist()))
    assert found.kappa == pytest.approx(by_hand(table, linear=False))
    assert found.linear == pytest.approx(by_hand(table, linear=True))
    assert found.documents == table.sum() and found.same == pytest.approx(np.trace(table) / table.sum())
    for value, (low, high) in ((found.kappa, found.kappa_ci95), (found.linear, found.linear_ci95)):
        assert low < value < high and high - low < 0.5
    assert found == agreement(*grades(table.tolist()))


def test_many_at_once_are_as_one_by_one():
    tables = np.random.default_rng(1).integers(0, 6, (12, 4, 4)).astype(float)
    tables[0] = 0
    tables[0, 2, 2] = 5  # one grade alone
    for weights in (None, "linear"):
        expected = [np.nan if (value := kappa(table, weights)) is None else value for table in tables]
        np.testing.assert_allclose(kappas(tables, weights), expected, atol=1e-12)


def test_only_what_both_graded_counts():
    one, other = {("q", "a"): 3, ("q", "b"): 0, ("q", "c"): 1}, {("q", "a"): 3, ("q", "b"): 0, ("p", "c"): 1}
    found = agreement(one, other)
    assert (found.documents, found.queries, found.kappa) == (2, 1, 1.0)
    assert agreement(one, {}) is None


def test_judges_who_know_one_grade_have_no_kappa():
    found = agreement({("q", "a"): 0, ("q", "b"): 0}, {("q", "a"): 0, ("q", "b"): 0})
    assert found.same == 1 and found.kappa is None and found.linear_ci95 is None


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Two judges who agree by a known chance, many times over; queries differ in how easy they are."""
    inside = 0
    for seed in range(60):
        draw = np.random.default_rng(seed)
        one, other = {}, {}
        for query in range(40):
            same = draw.choice([0.3, 0.9])
            for document in range(5):
                key = f"q{query}", f"d{document}"
                one[key] = int(draw.integers(4))
                other[key] = one[key] if draw.random() < same else int(draw.integers(4))
        low, high = agreement(one, other, seed).kappa_ci95
        inside += low <= 0.6 <= high
    assert 50 <= inside <= 60
