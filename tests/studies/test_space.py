"""Spaces from Hydra's grammar, conditions, shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats import kstest

from shoptalk.errors import InputError
from shoptalk.studies import simplex
from shoptalk.studies.grammar import parse


@pytest.mark.parametrize(
    "asked, meant",
    [
        ("choice(ann,denoised)", CategoricalDistribution(["ann", "denoised"])),
        ("a,b", CategoricalDistribution(["a", "b"])),
        ("interval(0,1)", FloatDistribution(0.0, 1.0)),
        ("tag(log,interval(1e-5,1e-3))", FloatDistribution(1e-5, 1e-3, log=True)),
        ("int(interval(1,30))", IntDistribution(1, 30)),
        ("tag(log,int(interval(1,30)))", IntDistribution(1, 30, log=True)),
        ("range(1,9,2)", IntDistribution(1, 7, step=2)),
        ("range(3)", IntDistribution(0, 2)),
        ("range(0.0,1.0,0.25)", FloatDistribution(0.0, 0.75, step=0.25)),
    ],
)
def test_what_hydra_calls_a_sweep_is_a_distribution(asked, meant):
    assert parse({"x": asked}, {}, {}).parameters["x"].distribution == meant


@pytest.mark.parametrize(
    "asked, words",
    [
        ("choice()", "an empty choice"),
        ("tag(log,interval(0,1))", "a log scale must start above 0"),
        ("tag(log,interval(-1,1))", "a log scale must start above 0"),
        ("tag(log,range(1,9,2))", "a log scale has no steps"),
        ("range(5,1)", "holds no value"),
        ("interval(2,1)", "holds no value"),
        ("3", "is one value"),
        ("choice(a", "cannot be read"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(asked, words):
    with pytest.raises(InputError, match=words) as caught:
        parse({"x.y": asked}, {}, {})
    assert f"hydra.sweeper.params.x.y={asked}" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "when, words",
    [
        ({"k": "missing=a"}, "missing is not searched"),
        ({"k": "way=c"}, "way has no such choice"),
        ({"other": "way=a"}, "other is not searched"),
        ({"k": "k=1"}, "k is not searched"),
        ({"k": "number=1"}, "number has no such choice"),
        ({"way": "k=1", "k": "way=a"}, "wait for one another"),
    ],
)
def test_a_condition_must_be_of_what_is_searched(when, words):
    with pytest.raises(InputError, match=words):
        parse({"way": "choice(a,b)", "k": "choice(1,2)", "number": "interval(0,1)"}, {}, when)


def test_what_depends_on_others_is_drawn_after_them_and_only_where_it_counts():
    asked = {"grandchild": "choice(1,2)", "child": "choice(x,y)", "parent": "choice(a,b,c)"}
    space = parse(asked, {}, {"grandchild": "child=y", "child": "parent=b,c"})
    assert list(space.parameters) == ["parent", "child", "grandchild"] and space.conditional
    everything = space.all()
    assert [len(drawn) for drawn in everything].count(1) == 1
    assert {tuple(drawn.values()) for drawn in everything} == {
        ("a",), *((p, "x") for p in "bc"), *((p, "y", g) for p in "bc" for g in "12")
    }  # fmt: skip


def test_all_is_none_where_it_is_endless():
    assert parse({"x": "interval(0,1)", "y": "choice(1,2)"}, {}, {}).all() is None
    assert [d["x"] for d in parse({"x": "range(0.0,1.0,0.25)"}, {}, {}).all()] == [0.0, 0.25, 0.5, 0.75]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_sticks_give_shares_and_shares_give_sticks_that_give_them(drawn):
    parts = simplex.shares(drawn)
    assert min(parts) >= 0 and sum(parts) == pytest.approx(1)
    assert simplex.shares(simplex.sticks(parts)) == pytest.approx(parts, abs=1e-5)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=5).filter(any))
def test_any_shares_can_be_written_down(weights):
    parts = np.array(weights) / sum(weights)
    assert simplex.shares(simplex.sticks(parts)) == pytest.approx(parts, abs=1e-5)


def test_uniform_sticks_give_every_share_the_law_of_a_flat_dirichlet():
    random = np.random.default_rng(0)
    drawn = np.array([simplex.shares(line) for line in random.random((4000, 3))])
    for part in drawn.T:  # Beta(1, 3)
        assert kstest(part, lambda x: 1 - (1 - x) ** 3).pvalue > 0.001


@pytest.mark.parametrize("parts", [[0.5, 0.6], [-0.1, 1.1]])
def test_shares_that_are_none_are_refused(parts):
    with pytest.raises(ValueError, match="sum to 1"):
        simplex.sticks(parts)


def test_overrides_and_what_a_user_writes_down():
    space = parse({"lr": "interval(0,1)"}, {"mixing.ratios": ["clicks", "labels", "synthetic"]}, {})
    fixed = space.fixed({"lr": 0.25, "mixing.ratios": {"clicks": 0.5, "synthetic": 0.5}}, "here")
    assert space.overrides(fixed) == [
        "lr=0.25", "mixing.ratios.clicks=0.5", "mixing.ratios.labels=0.0", "mixing.ratios.synthetic=0.5"
    ]  # fmt: skip
    assert space.told() == ["lr", "mixing.ratios"]
    for asked, words in (
        ({"mixing.ratios": {"clicks": 0.7}}, "sum to 1"),
        ({"mixing.ratios": {"logs": 1}}, "sum to 1"),
        ({"mixing.ratios": 3}, "sum to 1"),
        ({"lr": 2}, "which this sweep does not search"),
        ({"lr": "high"}, "which this sweep does not search"),
        ({"lrr": 0.1}, "lrr, which this sweep does not search; it searches lr, mixing.ratios"),
    ):
        with pytest.raises(InputError, match=words):
            space.fixed(asked, "here")
