import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs_by_source import table

from shoptalk import mixing
from shoptalk.errors import InputError
from shoptalk.mixing import Balanced, Course, Proportional, Smoothed, Weighted


def schedule(pairs, ratios, total, seed, max_repeats=4):
    return mixing.schedule(pairs, Course.constant(ratios), total, seed, dict.fromkeys(ratios, max_repeats))


sizes_of = st.dictionaries(st.sampled_from(["clicks", "labels", "pairs", "synthetic"]), st.integers(1, 60), min_size=1)


@st.composite
def mixtures(draw):
    sizes = draw(sizes_of)
    parts = [draw(st.integers(0, 20)) for _ in sizes]
    parts[0] += 1
    ratios = {s: p / sum(parts) for s, p in zip(sizes, parts, strict=True)}
    return sizes, ratios, draw(st.integers(1, 400)), draw(st.integers(1, 4)), draw(st.integers(0, 5))


@settings(max_examples=150, deadline=None)
@given(mixtures())
def test_every_schedule_keeps_total_cap_and_ratio(mixture):
    sizes, ratios, total, cap, seed = mixture
    pairs = table(sizes)
    made = schedule(pairs, ratios, total, seed, cap)
    drawn = Counter(pairs["source"].to_numpy()[made.rows])
    most = sum(cap * n for s, n in sizes.items() if ratios[s] > 0)

    assert len(made.rows) == min(total, most)
    assert made.times_drawn.max() <= cap
    assert np.array_equal(np.bincount(made.rows, minlength=pairs.height), made.times_drawn)
    assert math.isclose(sum(made.drawn.values()), 1.0) and math.isclose(sum(made.share_of_loss.values()), 1.0)
    for source, ratio in ratios.items():
        assert made.drawn[source] == drawn[source] / len(made.rows)
        times = made.times_drawn[(pairs["source"] == source).to_numpy()]
        assert times.max() - times.min() <= 1
        if ratio == 0:
            assert drawn[source] == 0
    if not made.notices:
        assert all(abs(drawn[s] - r * total) < 1 for s, r in ratios.items())
    else:
        assert any(drawn[s] == cap * n for s, n in sizes.items())


@settings(max_examples=60, deadline=None)
@given(mixtures(), st.integers(0, 300), st.integers(1, 100))
def test_every_window_holds_the_ratio(mixture, start, length):
    sizes, ratios, total, cap, seed = mixture
    pairs = table(sizes)
    made = schedule(pairs, ratios, total, seed, cap)
    window = pairs["source"].to_numpy()[made.rows[start : start + length]]
    for source in sizes:
        assert abs((window == source).sum() - made.drawn[source] * len(window)) <= len(sizes) + 1


def test_same_seed_same_stream_and_row_order_does_not_matter():
    pairs = table({"clicks": 40, "labels": 10})
    ratios = {"clicks": 0.5, "labels": 0.5}
    one, again = (schedule(pairs, ratios, 60, 3) for _ in range(2))
    assert np.array_equal(one.rows, again.rows)
    assert not np.array_equal(one.rows, schedule(pairs, ratios, 60, 4).rows)

    order = np.random.default_rng(0).permutation(pairs.height)
    moved = pairs[order.tolist()]
    assert moved[schedule(moved, ratios, 60, 3).rows].equals(pairs[one.rows])


def test_stream_of_a_source_does_not_depend_on_the_other_sources():
    alone = schedule(table({"clicks": 30}), {"clicks": 1.0}, 30, 0)
    pairs = table({"clicks": 30, "labels": 30})
    both = schedule(pairs, {"clicks": 0.5, "labels": 0.5}, 60, 0)
    clicks = pairs[both.rows].filter(pl.col("source") == "clicks")["query"].to_list()
    assert clicks == table({"clicks": 30})[alone.rows]["query"].to_list()


@pytest.mark.parametrize("size", [4, 7, 40])
def test_a_pair_comes_back_a_quarter_of_a_pass_later_at_the_earliest(size):
    for seed in range(20):
        rows = schedule(table({"s": size}), {"s": 1.0}, 4 * size, seed).rows
        for epoch in range(4):
            assert sorted(rows[epoch * size : (epoch + 1) * size]) == list(range(size))
        last: dict[int, int] = {}
        for place, row in enumerate(rows):
            assert place - last.get(row, -size) > size // 4
            last[row] = place


def test_a_bound_cap_gives_the_rest_to_the_others_and_says_so():
    pairs = table({"labels": 10, "clicks": 100, "synthetic": 100})
    made = schedule(pairs, {"labels": 0.5, "clicks": 0.3, "synthetic": 0.2}, 200, 0, max_repeats=2)
    assert made.drawn == {"labels": 0.1, "clicks": 0.54, "synthetic": 0.36}
    assert made.asked["labels"] == 0.5
    assert len(made.notices) == 1 and "labels: 50.0 % of the stream asked, 10.0 % drawn" in made.notices[0]


def test_when_every_source_is_used_up_the_stream_is_shorter_and_says_so():
    made = schedule(table({"a": 3, "b": 5}), {"a": 0.5, "b": 0.5}, 100, 0, max_repeats=2)
    assert len(made.rows) == 16 and (made.times_drawn == 2).all()
    assert any("16 draws, not 100" in n for n in made.notices)


def test_share_of_loss_counts_weights():
    pairs = pl.concat([table({"a": 10}, 3.0), table({"b": 10}, 1.0)])
    made = schedule(pairs, {"a": 0.5, "b": 0.5}, 20, 0)
    assert made.share_of_loss == pytest.approx({"a": 0.75, "b": 0.25})


def test_schedule_of_nothing_is_empty():
    made = schedule(table({"a": 0}), {"a": 1.0}, None, 0)
    assert len(made.rows) == 0 and made.drawn == {"a": 0.0}


def test_presets():
    sizes = {"clicks": 900, "labels": 100}
    assert Proportional().ratios(sizes) == pytest.approx({"clicks": 0.9, "labels": 0.1})
    assert Balanced().ratios(sizes) == pytest.approx({"clicks": 0.5, "labels": 0.5})
    assert Smoothed(alpha=0.5).ratios(sizes) == pytest.approx({"clicks": 0.75, "labels": 0.25})
    assert Smoothed(alpha=0).ratios(sizes) == pytest.approx(Balanced().ratios(sizes))
    assert Weighted(shares={"clicks": 3, "synthetic": 1}).ratios(sizes) == pytest.approx({"clicks": 0.6, "labels": 0.4})


def test_user_ratios_fix_their_sources_and_the_preset_shares_the_rest():
    sizes = {"clicks": 900, "labels": 100, "pairs": 300}
    ratios = Proportional(ratios={"labels": 0.2, "synthetic": None}).ratios(sizes)
    assert ratios == pytest.approx({"clicks": 0.6, "labels": 0.2, "pairs": 0.2})
    assert Balanced(ratios={"clicks": 3, "labels": 1, "pairs": 0}).ratios(sizes) == pytest.approx(
        {"clicks": 0.75, "labels": 0.25, "pairs": 0.0}
    )


@settings(max_examples=60, deadline=None)
@given(sizes_of, st.sampled_from([Proportional(), Balanced(), Smoothed(alpha=0.3), Weighted(shares={"clicks": 2})]))
def test_ratios_sum_to_one(sizes, preset):
    ratios = preset.ratios(sizes)
    assert ratios.keys() == sizes.keys() and math.isclose(sum(ratios.values()), 1) and min(ratios.values()) >= 0


@pytest.mark.parametrize(
    ("ratios", "said"),
    [
        ({"synthetic": 0.5}, "mixing.ratios.synthetic is set, but the chosen sources are clicks, labels"),
        ({"clicks": 0, "labels": 0}, "all 0"),
        ({"clicks": 1.2}, "leaves nothing for labels"),
        ({"clicks": -0.1}, "mixing.ratios.clicks=-0.1"),
        ({"clicks": math.nan}, "mixing.ratios.clicks=nan"),
        ({"clicks": math.inf}, "mixing.ratios.clicks=inf"),
        ({"clicks": "much"}, "mixing.ratios.clicks=much"),
    ],
)
def test_bad_ratios_are_refused_in_one_sentence(ratios, said):
    with pytest.raises(InputError) as caught:
        Balanced(ratios=ratios).ratios({"clicks": 10, "labels": 10})
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{"max_repeats": 0}, {"total": 0}, {"max_repeats": 1.5}])
def test_bad_counts_are_refused(options):
    with pytest.raises(InputError, match="whole number"):
        Balanced(**options)


def test_mixing_schedules_its_total_or_else_the_budget():
    pairs = table({"clicks": 90, "labels": 10})
    assert len(Proportional().schedule(pairs, ["clicks", "labels"], 0, budget=150).rows) == 150
    assert len(Proportional(total=50).schedule(pairs, ["clicks", "labels"], 0, budget=150).rows) == 50


def test_weights_of_sources_count_in_the_loss_and_not_in_the_stream():
    pairs = pl.concat([table({"clicks": 30}, 2.0), table({"labels": 10}, 1.0)])
    plain, weighted = (
        Balanced(weights=weights).schedule(pairs, ["clicks", "labels"], 0, 40)
        for weights in (None, {"clicks": 0.25, "labels": None})
    )
    assert np.array_equal(plain.rows, weighted.rows) and plain.drawn == weighted.drawn
    assert plain.weights.dtype == np.float32 and np.array_equal(plain.weights, pairs["weight"].to_numpy())
    assert np.array_equal(weighted.weights, np.where(pairs["source"] == "clicks", 0.5, 1.0))
    assert plain.share_of_loss == pytest.approx({"clicks": 2 / 3, "labels": 1 / 3})
    assert weighted.share_of_loss == pytest.approx({"clicks": 1 / 3, "labels": 2 / 3})


def test_repeats_may_be_capped_source_by_source():
    pairs = table({"clicks": 10, "labels": 10})
    made = Balanced(max_repeats={"clicks": 1, "labels": 3}).schedule(pairs, ["clicks", "labels"], 0, 40)
    assert made.times_drawn.tolist() == [1] * 10 + [3] * 10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": {"synthetic": 0.5}}, "mixing.weights.synthetic is set, but the chosen sources are clicks, labels"),
        ({"weights": {"clicks": 0}}, "mixing.weights.clicks=0 cannot weigh"),
        ({"weights": {"clicks": math.nan}}, "mixing.weights.clicks=nan"),
        ({"weights": {"clicks": "half"}}, "mixing.weights.clicks=half"),
        ({"max_repeats": {"clicks": 4}}, "mixing.max_repeats says nothing of labels"),
        ({"max_repeats": {"clicks": 4, "labels": 0}}, "mixing.max_repeats.labels=0"),
        ({"max_repeats": {"clicks": 4, "labels": 4, "pairs": 4}}, "mixing.max_repeats.pairs is set"),
    ],
)
def test_bad_weights_and_repeats_are_refused_in_one_sentence(options, said):
    with pytest.raises(InputError) as caught:
        Balanced(**options).schedule(table({"clicks": 10, "labels": 10}), ["clicks", "labels"], 0, 20)
    assert said in str(caught.value) and "\n" not in str(caught.value)
