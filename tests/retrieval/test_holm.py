import pytest

from shoptalk.retrieval.holm import holm


def test_adjusted_values_are_those_of_a_naive_loop():
    p = [0.03, 0.001, 0.2, 0.011, 0.011]
    naive = [min(1.0, max((len(p) - sorted(p).index(q)) * q for q in p if q <= value)) for value in p]
    assert holm(p) == pytest.approx(naive) and holm([]) == []
