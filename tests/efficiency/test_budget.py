"""The winner is the best of those that meet the budget; what is missed is told by how much."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.efficiency.budget import LIMITS, Budget, Measured
from shoptalk.efficiency.cost import Cost
from shoptalk.errors import InputError

figure = st.none() | st.floats(0.01, 1000)
limits = st.fixed_dictionaries({name: st.none() | st.floats(0.01, 1000) for name in LIMITS})
arms = st.lists(
    st.builds(
        Measured,
        st.uuids().map(str),
        st.floats(0, 1),
        st.builds(Cost, p95_ms=figure, memory_mb=figure, index_mb_per_1m=figure),
    ),
    min_size=1,
    max_size=8,
)


def meets(limit: dict, cost: Cost) -> bool:
    pairs = [(limit["latency_ms"], cost.p95_ms), (limit["memory_mb"], cost.memory_mb)]
    pairs.append((limit["index_mb_per_1m"], cost.index_mb_per_1m))
    return all(most is None or (found is not None and found <= most) for most, found in pairs)


@given(limits, arms)
def test_the_winner_is_the_best_that_meets_every_limit(limit, given_arms):
    choice = Budget(**limit).choose(given_arms)
    allowed = [arm for arm in given_arms if meets(limit, arm.cost)]
    assert choice.within == allowed and choice.best.quality == max(arm.quality for arm in given_arms)
    if allowed:
        assert choice.winner in allowed and choice.winner.quality == max(arm.quality for arm in allowed)
        assert choice.price == choice.best.quality - choice.winner.quality >= 0
        assert choice.winner.name in choice.told()
    else:
        assert choice.winner is None and choice.price is None and choice.told().startswith("No arm meets budget.")
        assert choice.nearest[0].name in choice.told()
    assert len(choice.nearest) + len(allowed) == len(given_arms)


@given(limits, arms)
def test_a_tighter_budget_never_gives_a_better_winner(limit, given_arms):
    tighter = {name: most and most / 2 for name, most in limit.items()}
    loose, tight = (Budget(**one).choose(given_arms) for one in (limit, tighter))
    assert tight.winner is None or tight.winner.quality <= loose.winner.quality


@given(limits, arms)
def test_the_nearest_miss_needs_the_smallest_stretch_of_its_worst_limit(limit, given_arms):
    missing = Budget(**limit).choose(given_arms).nearest

    def stretch(arm):
        pairs = ((limit["latency_ms"], arm.cost.p95_ms), (limit["memory_mb"], arm.cost.memory_mb))
        pairs += ((limit["index_mb_per_1m"], arm.cost.index_mb_per_1m),)
        return max((math.inf if found is None else found / most) for most, found in pairs if most is not None)

    assert [stretch(arm) for arm in missing] == sorted(stretch(arm) for arm in missing)
    assert all(stretch(arm) > 1 for arm in missing)


def arm(name: str, quality: float, **cost: float) -> Measured:
    return Measured(name, quality, Cost(**cost))


def test_sentences():
    large, small = arm("large", 0.8, p95_ms=30.0, memory_mb=500.0), arm("small", 0.75, p95_ms=3.0, memory_mb=250.0)
    cheap = Budget(latency_ms=15).choose([large, small]).told()
    assert cheap == (
        "small is the best of the 1 of 2 arms that meet budget.latency_ms=15; the budget costs 5.00 points of nDCG@10 "
        "against large."
    )
    free = Budget(latency_ms=15, memory_mb=400).choose([small]).told()
    assert free.endswith(
        "budget.latency_ms=15 and budget.memory_mb=400, and the best of all: the budget costs nothing."
    )
    missed = Budget(latency_ms=2, memory_mb=200).choose([large, small]).told()
    assert missed == (
        "No arm meets budget.latency_ms=2 and budget.memory_mb=200: the nearest, small, misses latency_ms (3 ms, 50.0% "
        "too much) and memory_mb (250 MB, 25.0% too much); raise that limit or add smaller arms."
    )
    unknown = Budget(memory_mb=200).choose([arm("api", 0.9)]).told()
    assert "api, misses memory_mb (not measured)" in unknown
    assert Budget().choose([large, small]).told() == "large is the best of 2, with nDCG@10 0.8000."


def test_of_equally_good_arms_the_first_wins():
    one, two = arm("one", 0.5, p95_ms=9.0), arm("two", 0.5, p95_ms=1.0)
    assert Budget(latency_ms=10).choose([one, two]).winner is one


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf, "ten", True])
def test_a_limit_must_be_above_nought(limit):
    with pytest.raises(InputError, match=re.escape(f"budget.memory_mb={limit} must be a number above 0")):
        Budget(memory_mb=limit)
