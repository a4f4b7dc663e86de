import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.negatives.draws import gumbel, orders, pair_keys, rotate, uniform, walk


@settings(deadline=None)
@given(st.integers(1, 60), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4))
def test_a_tour_visits_every_row_once(size, keys):
    keys = np.array(keys, np.uint64)
    parts = np.concatenate([walk(keys, size, start, 7) for start in range(0, 2 * size + 7, 7)], axis=1)
    for line in parts:
        first = line[line >= 0][:size]
        assert sorted(first) == list(range(size))


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(1, 5), st.integers(0, 5), st.integers(0, 5))
def test_rotation_uses_every_negative_before_any_twice(kept, per_pair, seed, pair):
    take = min(kept, per_pair)
    seen = [rotate(kept, per_pair, seed, pair, repetition) for repetition in range(max(kept, 1))]
    assert all(len(set(places.tolist())) == len(places) == take for places in seen)
    times = np.bincount(np.concatenate(seen).astype(int), minlength=kept) if kept else np.zeros(1)
    assert times.max() - times.min() <= 0
    assert (rotate(kept, per_pair, seed, pair, 1) == seen[1 % len(seen)]).all()


def test_orders_are_permutations_that_differ_by_key():
    drawn = orders(pair_keys(["a", "b"] * 50, [str(i) for i in range(100)], 0), 6)
    assert (np.sort(drawn, axis=1) == np.arange(6)).all()
    assert len({tuple(line) for line in drawn}) > 80


def test_draws_are_even():
    rows = walk(pair_keys([str(i) for i in range(20_000)], [""] * 20_000, 1), 10, 0, 2)
    counts = np.bincount(rows[rows >= 0], minlength=10)
    assert counts.min() > 0.9 * counts.mean()


def test_a_pair_keeps_its_key_wherever_it_stands():
    assert pair_keys(["a", "b"], ["x", "y"], 3)[1] == pair_keys(["b"], ["y"], 3)[0]
    assert pair_keys(["a"], ["x"], 3) != pair_keys(["a"], ["x"], 4)


def test_uniform_numbers_are_even_and_streams_and_columns_apart():
    keys = pair_keys([str(i) for i in range(20_000)], [""] * 20_000, 1)
    drawn = np.concatenate([uniform(keys, 2, 3), uniform(keys, 2, 4)], axis=1)
    assert drawn.min() > 0 and drawn.max() < 1
    for column in drawn.T:
        assert np.abs(np.histogram(column, 10, (0, 1))[0] / 2000 - 1).max() < 0.1
    assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.03


def test_gumbel_draws_have_its_mean_and_variance():
    drawn = gumbel(pair_keys([str(i) for i in range(20_000)], [""] * 20_000, 2), 2, 3)
    assert abs(drawn.mean() - np.euler_gamma) < 0.03 and abs(drawn.var() - np.pi**2 / 6) < 0.1
