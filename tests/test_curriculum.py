"""Ratios that change along the stream."""

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs_by_source import table

from shoptalk.errors import InputError
from shoptalk.mixing import Course, Curriculum, schedule

SOURCES = ["clicks", "labels", "pairs", "synthetic"]


@st.composite
def waypoints(draw):
    """Progress of each waypoint and the ratios there: steps, ramps, stretches without a source."""
    sources = SOURCES[: draw(st.integers(1, 4))]
    places = draw(st.lists(st.integers(1, 19), min_size=1, max_size=4))
    at = sorted(place / 20 for place in places if places.count(place) < 3) or [0.5]
    ratios = []
    for _ in at:
        parts = [draw(st.integers(0, 4)) for _ in sources]
        parts[draw(st.integers(0, len(sources) - 1))] += 1
        ratios.append({s: part / sum(parts) for s, part in zip(sources, parts, strict=True)})
    return at, ratios


def ratio(at, ratios, source, progress):
    """One source's ratio at one point, by hand."""
    if progress < at[0]:
        return ratios[0][source]
    for i in range(len(at) - 1):
        if at[i] <= progress < at[i + 1]:
            share = (progress - at[i]) / (at[i + 1] - at[i])
            return (1 - share) * ratios[i][source] + share * ratios[i + 1][source]
    return ratios[-1][source]


def areas(at, ratios, source, cells):
    """The integral of ``ratio`` to the end of each cell; exact, for waypoints are twentieths, by the middles."""
    assert cells % 20 == 0
    return np.cumsum([ratio(at, ratios, source, (i + 0.5) / cells) for i in range(cells)]) / cells


@settings(max_examples=60, deadline=None)
@given(waypoints(), st.integers(0, 60), st.integers(1, 60))
def test_a_course_is_the_integral_of_its_ratios(given_at, low, length):
    at, ratios = given_at
    low, high = min(low, 59), min(low + length, 60)
    low = min(low, high - 1)
    means = Course.through(at, ratios).ratios(low / 60, high / 60)
    for source in ratios[0]:
        by_hand = np.append(0, areas(at, ratios, source, 60))
        assert means[source] == pytest.approx((by_hand[high] - by_hand[low]) * 60 / (high - low), abs=1e-12)
    assert math.isclose(sum(means.values()), 1)


@settings(max_examples=60, deadline=None)
@given(waypoints(), st.integers(1, 50))
def test_draws_stand_where_their_share_of_the_area_is_over(given_at, count):
    at, ratios = given_at
    course = Course.through(at, ratios)
    for source, whole in course.ratios().items():
        if whole == 0:
            continue
        places = course.places(source, count)
        assert (np.diff(places) > 0).all()
        for j, place in enumerate(places):
            assert place * course.ratios(0, place)[source] == pytest.approx((j + 0.5) / count * whole, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(waypoints(), st.integers(1, 15), st.integers(0, 5))
def test_every_window_and_the_whole_follow_the_asked_course(given_at, twenties, seed):
    at, ratios = given_at
    total = 20 * twenties
    pairs = table(dict.fromkeys(ratios[0], 75))
    made = schedule(pairs, Course.through(at, ratios), total, seed, dict.fromkeys(ratios[0], 4))
    drawn = pairs["source"].to_numpy()[made.rows]
    assert len(drawn) == total and made.notices == ()
    for source in ratios[0]:
        asked = np.append(0, areas(at, ratios, source, total)) * total
        ahead = np.append(0, np.cumsum(drawn == source)) - asked
        # The largest difference of two is that of the worst of all windows.
        assert ahead.max() - ahead.min() < 1.5 * len(ratios[0]) + 2
        assert abs(ahead[-1]) < 1
        assert made.asked[source] == pytest.approx(asked[-1] / total)


def test_a_step_is_sharp():
    mixing = Curriculum([0.5, 0.5], {"clicks": [0, 1], "synthetic": [1, 0]})
    pairs = table({"clicks": 50, "synthetic": 50})
    made = mixing.schedule(pairs, ["clicks", "synthetic"], 0, 100)
    assert pairs["source"].to_numpy()[made.rows].tolist() == ["synthetic"] * 50 + ["clicks"] * 50
    assert [stage.asked["clicks"] for stage in made.stages] == pytest.approx([0] * 5 + [1] * 5)


def test_stages_tell_what_was_drawn_and_what_of_it_reached_the_loss():
    mixing = Curriculum([0, 1], {"clicks": [1, 3], "synthetic": [3, 1]}, weights={"synthetic": 0.5})
    pairs = pl.concat([table({"clicks": 400}, 1.5), table({"synthetic": 300})])
    made = mixing.schedule(pairs, ["clicks", "synthetic"], 0, 1000)
    assert [stage.until for stage in made.stages] == pytest.approx([i / 10 for i in range(1, 11)])
    for i, stage in enumerate(made.stages):
        counts = Counter(pairs["source"].to_numpy()[made.rows[100 * i : 100 * (i + 1)]])
        assert stage.asked == pytest.approx({"clicks": 0.275 + 0.05 * i, "synthetic": 0.725 - 0.05 * i})
        assert stage.drawn == pytest.approx({s: n / 100 for s, n in counts.items()})
        clicks, synthetic = 1.5 * counts["clicks"], 0.5 * counts["synthetic"]
        assert stage.share_of_loss["clicks"] == pytest.approx(clicks / (clicks + synthetic))
    whole = {key: np.mean([getattr(stage, key)["clicks"] for stage in made.stages]) for key in ("asked", "drawn")}
    assert made.asked["clicks"] == pytest.approx(whole["asked"]) and made.drawn["clicks"] == whole["drawn"]


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_stream_of_a_few_draws_has_as_many_stages(length):
    pairs = table({"clicks": length, "synthetic": length})
    course = Course.through([0, 1], [{"clicks": 1, "synthetic": 0}, {"clicks": 0, "synthetic": 1}])
    made = schedule(pairs, course, length, 0, {"clicks": 1, "synthetic": 1})
    assert len(made.stages) == len(made.rows) == length


def test_a_capped_source_keeps_its_place_and_the_others_take_over():
    """A tenth of the synthetic pairs that were asked for: those come first all the same."""
    mixing = Curriculum([0.5, 0.5], {"clicks": [0, 1], "synthetic": [1, 0]}, max_repeats={"clicks": 4, "synthetic": 1})
    pairs = table({"clicks": 500, "synthetic": 50})
    made = mixing.schedule(pairs, ["clicks", "synthetic"], 0, 1000)
    assert pairs["source"].to_numpy()[made.rows].tolist() == ["synthetic"] * 50 + ["clicks"] * 950
    assert made.notices == ("synthetic: 50.0 % of the stream asked, 5.0 % drawn, because each of its 50 pairs is drawn "
                            "at most 1 times (mixing.max_repeats).",)  # fmt: skip
    assert (made.stages[0].asked["synthetic"], made.stages[0].drawn["synthetic"]) == (1.0, 0.5)


def test_user_ratios_hold_throughout_and_the_curriculum_divides_the_rest():
    mixing = Curriculum([0, 1], {"clicks": [0, 1], "synthetic": [1, 0]}, ratios={"labels": 0.2})
    course = mixing.course({"clicks": 9, "labels": 9, "synthetic": 9})
    assert course.ratios(0.0, 0.5) == pytest.approx({"clicks": 0.2, "labels": 0.2, "synthetic": 0.6})
    fixed = Curriculum([0, 1], {"clicks": [1, 2]}, ratios={"clicks": 1, "labels": 1})
    assert fixed.course({"clicks": 9, "labels": 9}).steady


def test_a_number_holds_at_every_waypoint_and_a_source_not_listed_gets_the_mean():
    mixing = Curriculum([0, 1], {"clicks": [1, 3], "labels": 1})
    ends = mixing.course({"clicks": 9, "labels": 9, "other": 9}).legs
    assert ends["labels"].tolist() == [pytest.approx([1 / 3, 1 / 6])]
    assert ends["other"].tolist() == [pytest.approx([1 / 3, 1 / 3])]


@pytest.mark.parametrize(
    ("at", "shares", "said"),
    [
        ([], {"clicks": []}, "mixing.at=[]"),
        ([0, 1.1], {"clicks": 1}, "mixing.at=[0, 1.1]"),
        ([1, 0], {"clicks": 1}, "mixing.at=[1, 0]"),
        (0.5, {"clicks": 1}, "mixing.at=0.5"),
        ([0.5, 0.5, 0.5], {"clicks": 1}, "but not"),
        ([0, 0, 1], {"clicks": 1}, "but not 0 or 1"),
        ([0, "x"], {"clicks": 1}, "ascending numbers"),
        ([0, 1], {"clicks": [1, 2, 3]}, "mixing.shares.clicks lists 3 shares and mixing.at 2 waypoints"),
        ([0, 1], {"clicks": [1, -1]}, "mixing.shares.clicks=-1"),
        ([0, 1], {"clicks": "much"}, "mixing.shares.clicks=much"),
        ([0, 0.5], {"clicks": [1, 0], "labels": [1, 0]}, "all 0 at 0.5"),
        ([0, 1], {}, "all 0 at 0"),
    ],
)
def test_waypoints_that_cannot_be_followed_are_refused_in_one_sentence(at, shares, said):
    with pytest.raises(InputError) as caught:
        Curriculum(at, shares)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_ratio_of_a_source_not_chosen_is_refused():
    mixing = Curriculum([0, 1], {"clicks": [1, 2]}, ratios={"synthetic": 0.5})
    with pytest.raises(InputError, match=r"mixing\.ratios\.synthetic is set"):
        mixing.course({"clicks": 5, "labels": 5})
