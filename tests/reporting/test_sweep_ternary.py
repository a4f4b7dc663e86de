import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from told_sweeps import PARTS, SCORE, SECONDS, Page, add, empty, mixtures, swept

from shoptalk.reporting.sweeps.page import page
from shoptalk.reporting.sweeps.read import read
from shoptalk.reporting.sweeps.surrogate import REACH, fitted, near, triangles
from shoptalk.reporting.sweeps.ternary import BANDS, STEPS, UNKNOWN, ternary

PEAK = np.array([0.5, 0.3, 0.2])


def hill(shares, height=0.6):
    return height - np.square(shares - PEAK).sum(axis=-1)


def at(shares):
    return fitted(shares, hill(shares), triangles(STEPS)[1])


@pytest.mark.parametrize("seed", range(3))
def test_the_surrogate_finds_a_known_peak_in_noise(seed):
    seen = mixtures(40, seed)
    noise = 0.02 * np.random.default_rng(seed).standard_normal(40)
    surface = fitted(seen, hill(seen) + noise, triangles(STEPS)[1])
    top = surface.peak(maximised=True)
    assert np.abs(surface.shares[top] - PEAK).max() < 0.12
    assert surface.mean[top] == pytest.approx(0.6, abs=0.03)
    assert 0.01 < surface.noise < 0.04
    inside = np.abs(surface.mean - hill(surface.shares)) < 3 * surface.deviation + 0.01
    assert inside[surface.near].mean() > 0.95


def test_the_deviation_grows_away_from_trials():
    seen = np.array([shares for shares in mixtures(60) if shares[0] > 0.4])
    surface = at(seen)
    assert surface.deviation[~surface.near].mean() > 2 * surface.deviation[surface.near].mean()


def test_the_lowest_mean_is_best_where_less_is_better():
    seen = mixtures(30)
    surface = fitted(seen, -hill(seen), triangles(STEPS)[1])
    assert np.abs(surface.shares[surface.peak(maximised=False)] - PEAK).max() < 0.1


def test_near_is_how_much_of_a_mixture_must_move():
    seen = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    asked = np.array(
        [[1 - REACH, REACH / 2, REACH / 2], [0.84, 0.16, 0.0], [0.0, 0.5 + REACH, 0.5 - REACH], [0.5, 0.5, 0]]
    )
    assert near(seen, asked).tolist() == [True, False, True, False]


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_triangles_tile_the_simplex(steps):
    corners, centres = triangles(steps)
    assert corners.shape == (steps**2, 3, 3) and (corners >= -1e-12).all()
    assert corners.sum(axis=2) == pytest.approx(1) and centres == pytest.approx(corners.mean(axis=1))
    sides = corners[:, 1:, :2] - corners[:, :1, :2]
    assert np.abs(np.linalg.det(sides)) / 2 == pytest.approx(0.5 / steps**2)  # and all of it is 1/2
    assert len({tuple(row) for row in centres.round(9).tolist()}) == steps**2


def drawn(study):
    return next(f for f in Page(page(study, None)).figures if f.data[0].type == "scatterternary")


def test_the_points_are_the_shares_of_the_finished_trials():
    study = swept(10)
    add(study, None, shares=(0.1, 0.1, 0.8), state=TrialState.FAIL)
    figure = drawn(study)
    points = next(trace for trace in figure.data if trace.name == "trials")
    assert np.stack([points.a, points.b, points.c], axis=1) == pytest.approx(mixtures(10))
    assert list(points.marker.color) == pytest.approx([t.value for t in study.trials[:10]])
    best = study.best_trial.number
    assert [symbol == "star" for symbol in points.marker.symbol] == [number == best for number in range(10)]
    shares = dict(zip(PARTS, mixtures(10)[3], strict=True))
    assert points.text[3].startswith(f"trial 3<br>{SCORE} {study.trials[3].value:.4g}<br>clicks {shares['clicks']:.1%}")
    titles = [figure.layout.ternary[f"{axis}axis"].title.text for axis in "abc"]
    assert titles == list(PARTS) and list(points.customdata) == list(range(10))


def tiles(figure):
    return {trace.fillcolor: sum(share is None for share in trace.a) for trace in figure.data if trace.fill == "toself"}


def test_every_triangle_is_drawn_once_and_grey_where_nothing_was_tried():
    study = empty()
    for shares in [(0.8, 0.1, 0.1), (0.7, 0.2, 0.1), (0.75, 0.05, 0.2), (0.9, 0.05, 0.05), (0.6, 0.3, 0.1)]:
        add(study, [shares[0]], shares=shares)
    found = tiles(drawn(study))
    assert sum(found.values()) == STEPS**2 and 2 <= len(found) <= BANDS + 1
    seen = np.array([list(t.user_attrs["simplex"]["mixing.ratios"].values()) for t in study.trials])
    assert found[UNKNOWN] == (~near(seen, triangles(STEPS)[1])).sum() > STEPS**2 / 2


def test_the_first_objective_is_the_one_drawn():
    study = swept(9, (SCORE, SECONDS))
    figure, said = ternary(read(study), "mixing.ratios")
    assert figure.data[-1].marker.colorbar.title.text == SCORE and "best at clicks" in said
    assert list(figure.data[-1].marker.color) == [t.values[0] for t in study.trials]


def test_noise_alone_is_called_so():
    study, rng = empty(), np.random.default_rng(0)
    for shares in mixtures(25).tolist():
        add(study, [float(rng.normal(0.5, 0.01))], shares=shares)
    _, said = ternary(read(study), "mixing.ratios")
    assert "Inconclusive: it explains the trials no better than noise" in said
    assert "Inconclusive" not in ternary(read(swept(25)), "mixing.ratios")[1]


@pytest.mark.parametrize("shares, values, said", [
    (mixtures(4).tolist(), [1, 2, 3, 4], "4 finished trials have its shares, and 5 are needed"),
    ([[0.5, 0.2, 0.3], [0.2, 0.2, 0.6]] * 3, range(6), "all finished trials have one of two mixtures"),
    (mixtures(6).tolist(), [0.5] * 6, f"every finished trial has the same {SCORE}"),
    ([[0.5, 0.5]] * 6, range(6), "it has 2 parts, clicks, labels, and a triangle shows three"),
])  # fmt: skip
def test_why_there_is_no_triangle(shares, values, said):
    study = empty()
    for row, value in zip(shares, values, strict=True):
        add(study, [float(value)], shares=row)
    assert f"No triangle of mixing.ratios: {said}." in Page(page(study, None)).text


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0.0, 1e-9, 0.5, 0.5000001, 1e6, -1e6]), min_size=5, max_size=9))
def test_no_figures_break_the_surface(values):
    figures = np.array(values)
    if np.ptp(figures) == 0:
        return
    surface = fitted(mixtures(len(values)), figures, triangles(6)[1])
    assert np.isfinite(surface.mean).all() and (surface.deviation >= 0).all() and np.isfinite(surface.noise)
