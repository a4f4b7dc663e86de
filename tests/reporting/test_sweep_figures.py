import math

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from told_sweeps import SCORE, SECONDS, Page, add, empty, mixtures, swept

from shoptalk.reporting.sweeps import figures
from shoptalk.reporting.sweeps.importance import importances, unassessed
from shoptalk.reporting.sweeps.page import page
from shoptalk.reporting.sweeps.plots import plots
from shoptalk.reporting.sweeps.read import read, view


def explained(study):
    found = importances(read(study), 0)
    assert isinstance(found, dict), found
    return found


def test_the_view_has_shares_for_parameters_and_keeps_numbers_and_objectives():
    study = empty((SCORE, SECONDS))
    add(study, None, TrialState.FAIL, shares=(1.0, 0.0, 0.0))
    add(study, [0.5, 3.0], shares=(0.5, 0.2, 0.3), lr=0.1)
    add(study, [math.inf, 3.0], lr=0.2)
    sweep = read(study)
    seen = view(sweep, sweep.trials, 1)
    assert [trial.number for trial in seen.trials if trial.state is TrialState.COMPLETE] == [1]
    assert seen.trials[1].values == [3.0] and seen.direction.name == "MINIMIZE"
    shares = {"mixing.ratios.clicks": 0.5, "mixing.ratios.labels": 0.2, "mixing.ratios.synthetic": 0.3}
    assert seen.trials[1].params == {"lr": 0.1} | shares
    kept = view(sweep, sweep.trials, internal=True).trials[1]
    assert kept.params == study.trials[1].params and kept.values == [0.5, 3.0]


def test_history_shows_finished_trials_and_the_best_so_far():
    study = empty()
    for value in (0.2, None, 0.5, math.inf, 0.4):
        add(study, [value], TrialState.COMPLETE if value else TrialState.PRUNED)
    trials, best = figures.history(read(study), 0).data[:2]
    assert (list(trials.x), list(trials.y), list(trials.customdata)) == ([0, 2, 4], [0.2, 0.5, 0.4], [0, 2, 4])
    assert list(best.y)[-1] == 0.5


def test_intermediate_values_tell_pruned_trials_apart():
    study = empty()
    add(study, [0.2], steps={1: 0.1, 2: 0.2})
    add(study, None, TrialState.PRUNED, steps={1: 0.05})
    add(study, [0.5], steps={1: 0.3})
    add(study, None, TrialState.FAIL, steps={1: 0.3})
    figure = figures.intermediate(read(study))
    assert [trace.name for trace in figure.data] == ["trial 0", "trial 1", "trial 2"]
    assert [list(trace.y) for trace in figure.data] == [[0.1, 0.2], [0.05], [0.3]]
    assert [trace.line.dash for trace in figure.data] == [None, "dot", None]
    assert figure.data[2].line.color == figures.COLOURS["best"]
    assert [list(trace.customdata) for trace in figure.data] == [[0, 0], [1], [2]]


@pytest.mark.parametrize("number", range(3))
def test_importance_goes_to_what_decides(number):
    study, rng = empty(), np.random.default_rng(number)
    for row in rng.random((30, 3)):
        add(study, [10 * row[number]], a=row[0], b=row[1], c=row[2])
    found = explained(study)
    assert next(iter(found)) == "abc"[number] and found["abc"[number]] > 0.8


def test_a_simplex_is_one_parameter_the_sum_of_those_it_is_drawn_from():
    study = empty()
    for shares in mixtures(25).tolist():
        add(study, [shares[1]], shares=shares, other=shares[0])
    seen, sweep = explained(study), read(study)
    assert set(seen) == {"mixing.ratios", "other"}
    optunas = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0), normalize=False
    )
    assert seen["mixing.ratios"] == pytest.approx(optunas["mixing.ratios/1"] + optunas["mixing.ratios/2"])
    assert importances(sweep, 0) == seen


def test_a_trial_that_never_drew_its_parameters_hides_no_importance():
    study = swept(8)
    add(study, None, TrialState.RUNNING)
    add(study, [math.inf])
    assert set(explained(study)) == {"mixing.ratios", "temperature"}


def test_parameters_that_some_trials_lack_are_named():
    study = empty()
    for number in range(8):
        add(study, [number / 8], a=number / 8, **({"b": 0.5} if number % 2 else {}))
    assert set(explained(study)) == {"a"} and unassessed(read(study)) == ["b"]
    (told,) = (plot for plot in plots(read(study)) if plot.heading == "Importances")
    assert told.said.endswith("some trials lack them or took them from another range: b.")


@pytest.mark.parametrize("values, params, said", [
    ([0.1, 0.2], {"a": [0.1, 0.2]}, "2 trials finished, and 5 are needed"),
    ([0.1] * 6, {"a": np.linspace(0, 1, 6)}, "every finished trial has the same dev.adapted.ndcg@10"),
    (np.linspace(0, 1, 6), {"a": [0.5] * 6}, "no parameter that all finished trials have took two values"),
    (np.linspace(0, 1, 6), {}, "no parameter that all finished trials have took two values"),
])  # fmt: skip
def test_why_there_are_no_importances_nor_contours(values, params, said):
    study = empty()
    for number, value in enumerate(values):
        add(study, [float(value)], **{name: float(column[number]) for name, column in params.items()})
    found = Page(page(study, None))
    assert found.text.count(f"No importances: {said}") == 2
    assert not any(figure.data[0].type in ("bar", "contour") for figure in found.figures)


def test_slices_are_of_shares_the_most_important_first():
    study = swept()
    drawn, said = figures.slices(read(study), ["temperature", "mixing.ratios"])
    assert list(drawn) == ["temperature", *(f"mixing.ratios.{part}" for part in ("clicks", "labels", "synthetic"))]
    assert not said
    trace = drawn["mixing.ratios.labels"].data[0]
    assert list(trace.x) == pytest.approx(
        [t.user_attrs["simplex"]["mixing.ratios"]["labels"] for t in study.trials], rel=1e-5
    )
    assert list(trace.y) == pytest.approx([t.value for t in study.trials]) and list(trace.customdata) == [*range(12)]
    sharp = dict(zip(drawn["temperature"].data[0].customdata, drawn["temperature"].data[0].x, strict=True))
    assert sharp[0] == "sharp" and sharp[1] == "soft"
    assert list(drawn["temperature"].layout.xaxis.categoryarray) == ["sharp", "soft"]


def test_choices_that_differ_in_their_quotes_alone_stay_apart():
    study = empty()
    for choice in ("10", 10, "10"):
        add(study, [0.5], size=choice, ranges={"size": ["10", 10]})
    drawn, _ = figures.slices(read(study), [])
    assert list(drawn["size"].data[0].x) == ["'10'", "'10'", "10"]


def test_a_constant_parameter_has_a_sentence_for_a_slice():
    study = empty()
    for number in range(3):
        add(study, [number / 3], a=number / 3, b=0.5)
    drawn, said = figures.slices(read(study), [])
    assert list(drawn) == ["a"] and said == "Without a slice, for one value only: b."


def test_contours_are_of_pairs_of_the_most_important_four():
    study, rng = empty(), np.random.default_rng(0)
    for row in rng.random((12, 6)):
        add(study, [float(row @ [6, 5, 4, 3, 2, 1])], **dict(zip("abcdef", row.tolist(), strict=True)))
    drawn, _ = figures.contours(read(study), dict.fromkeys("abcdef", 0.1))
    assert list(drawn) == ["a × b", "a × c", "a × d", "b × c", "b × d", "c × d"]
    surface, points = drawn["b × d"].data[:2]
    assert list(points.x) == [t.params["b"] for t in study.trials] and np.nanmax(surface.z) == pytest.approx(
        max(t.value for t in study.trials)
    )


def test_a_simplex_stands_in_contours_as_the_share_that_goes_with_the_score():
    study = empty()
    for number, shares in enumerate(mixtures(12).tolist()):
        add(study, [shares[2] ** 2], shares=shares, other=number / 12)
    drawn, _ = figures.contours(read(study), {"mixing.ratios": 0.9, "other": 0.1})
    assert list(drawn) == ["mixing.ratios.synthetic × other"]


def test_a_simplex_whose_parts_changed_is_in_no_contour():
    study = empty()
    for number, shares in enumerate([*mixtures(6).tolist(), (0.4, 0.6), (0.2, 0.8)]):
        add(study, [number / 8], shares=shares, other=number / 8)
    told = {plot.heading: plot for plot in plots(read(study))}
    assert "mixing.ratios" in explained(study) and not told["Contours"].figures
    assert told["Contours"].said.startswith("No contours: no two of the most important parameters")
    assert len(told["Mixtures: mixing.ratios"].figures[""].data[-1].a) == 6


def test_the_front_is_told_from_the_others_and_links_to_rows():
    study = empty((SCORE, SECONDS))
    values = [[0.5, 10], [0.6, 20], [0.55, 30], [0.4, 5], [0.3, 50]]
    for pair in values:
        add(study, pair)
    others, best = figures.pareto(read(study)).data
    assert [list(trace.customdata) for trace in (others, best)] == [[2, 4], [0, 1, 3]]
    for trace in (others, best):
        assert [[x, y] for x, y in zip(trace.x, trace.y, strict=True)] == [values[n] for n in trace.customdata]


def test_two_objectives_have_a_history_and_importances_each():
    told = {plot.heading: plot for plot in plots(read(swept(8, (SCORE, SECONDS))))}
    assert list(told["History"].figures) == list(told["Importances"].figures) == [SCORE, SECONDS]
    assert (
        told["Intermediate values"].said == "No intermediate values: Optuna prunes only where there is one objective."
    )
    assert "Pareto front" in told and f"Of {SCORE} alone." in told["Slices"].said


def test_three_objectives_have_no_front():
    told = {plot.heading: plot for plot in plots(read(swept(6, (SCORE, SECONDS, "seconds.total")[:2])))}
    assert told["Pareto front"].figures
    study = empty((SCORE, SECONDS, "seconds.total"))
    add(study, [0.1, 2, 3])
    assert figures.pareto(read(study)) == "No Pareto front: it is drawn of two objectives, and there are 3."


def test_optuna_is_quiet_for_the_page_and_logs_as_before_after_it(capsys):
    study = swept(6)
    capsys.readouterr()
    before = optuna.logging.get_verbosity()
    page(study, None)
    assert capsys.readouterr().err == "" and optuna.logging.get_verbosity() == before


numbers = st.sampled_from([0.0, 0.25, 0.5, 1.0])
trial = st.fixed_dictionaries({
    "state": st.sampled_from([*[TrialState.COMPLETE] * 4, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING]),
    "values": st.lists(st.sampled_from([0.1, 0.1, 0.3, 0.7, math.inf]), min_size=2, max_size=2),
    "steps": st.dictionaries(st.integers(0, 3), st.sampled_from([0.1, 0.2, math.nan]), max_size=2),
    "shares": st.sampled_from([None, (1.0, 0.0, 0.0), (0.2, 0.3, 0.5), (0.0, 0.0, 1.0), (0.4, 0.6), (0.3, 0.3, 0.4)]),
    "params": st.fixed_dictionaries({}, optional={"a": numbers, "b": numbers, "c": st.sampled_from(["x", None, 3])}),
})  # fmt: skip


@settings(max_examples=15, deadline=None, derandomize=True)
@given(objectives=st.integers(1, 2), trials=st.lists(trial, max_size=9))
def test_whatever_the_trials_every_plot_is_drawn_or_excused(objectives, trials):
    study = empty((SCORE, SECONDS)[:objectives])
    for told in trials:
        add(study, told["values"][:objectives], told["state"], told["steps"], told["shares"],
            {"c": ["x", None, 3]}, **told["params"])  # fmt: skip
    for plot in plots(read(study)):
        assert plot.figures or plot.said
        for figure in plot.figures.values():
            assert figure.data
