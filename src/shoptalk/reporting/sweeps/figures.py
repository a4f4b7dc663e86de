"""Optuna's own plots in the look of the page, or a sentence where one cannot be drawn."""

from itertools import combinations
from typing import Any

import numpy as np

from shoptalk.reporting.plots import laid_out
from shoptalk.reporting.sweeps.read import Sweep, view

NOTHING = "No trial finished, so there is nothing to draw."
AXES, CONTOUR_TRIALS = 4, 75
"""Most parameters among which contours are drawn, and most trials behind them: a page must stay small."""
COLOURS = {"COMPLETE": "#5b8def", "PRUNED": "#9aa5b1", "best": "#0b6e4f"}


def history(sweep: Sweep, objective: int) -> Any:
    """Every trial's figure and the best so far."""
    from optuna.visualization import plot_optimization_history

    if not sweep.finished:
        return NOTHING
    name = sweep.objectives[objective]
    figure = plot_optimization_history(view(sweep, sweep.finished, objective), target_name=name)
    figure.data[0].update(
        marker_color=COLOURS["COMPLETE"], customdata=figure.data[0].x, name="trial",
        hovertemplate="trial %{x}<br>%{y:.4g}<extra></extra>",
    )  # fmt: skip
    figure.data[1].update(line={"color": COLOURS["best"], "shape": "hv"}, name="best so far")
    return _laid_out(figure, 320).update_xaxes(title="trial").update_yaxes(title=name)


def intermediate(sweep: Sweep) -> Any:
    """What each trial reported on its way, and where pruned ones ended."""
    from optuna.visualization import plot_intermediate_values

    if len(sweep.objectives) > 1:
        return "No intermediate values: Optuna prunes only where there is one objective."
    figure = plot_intermediate_values(view(sweep, sweep.trials, 0))
    if not figure.data:
        return "No intermediate values: no finished or pruned trial reported any on its way."
    best = {trial.number for trial in sweep.best}
    for trace in figure.data:
        number = int(trace.name.removeprefix("Trial"))
        state = "best" if number in best else sweep.trials[number].state.name
        trace.update(
            y=_short(trace.y),
            customdata=[number] * len(trace.x),
            name=f"trial {number}",
            marker={"color": COLOURS[state], "size": 5},
            line={"color": COLOURS[state], "width": 3 if state == "best" else 1},
            line_dash="dot" if state == "PRUNED" else None,
            hovertemplate=f"trial {number}<br>%{{x}}: %{{y:.4g}}<extra></extra>",
        )
    return _laid_out(figure, 340).update_xaxes(title="step").update_yaxes(title=sweep.objectives[0])


def slices(sweep: Sweep, order: list[str]) -> tuple[dict[str, Any], str]:
    """A figure for each parameter, those in ``order`` first; and a sentence on what has none."""
    from optuna.visualization import plot_slice

    if not sweep.finished:
        return {}, NOTHING
    values: dict[str, set[str]] = {}
    for trial in sweep.finished:
        for name, value in sweep.shown(trial).items():
            values.setdefault(name, set()).add(repr(value))
    study = view(sweep, sweep.finished, 0)
    drawn = {
        name: _slice(plot_slice(study, [name], target_name=sweep.objectives[0]))
        for name in sorted(values, key=lambda name: (_place(sweep, name, order), name))
        if len(values[name]) > 1
    }
    constant = sorted(name for name, seen in values.items() if len(seen) == 1)
    if not values:
        return drawn, "No slices: the finished trials have no parameters."
    return drawn, f"Without a slice, for one value only: {', '.join(constant)}." if constant else ""


def _place(sweep: Sweep, shown: str, order: list[str]) -> int:
    owner = next((name for name, parts in sweep.simplexes.items() if shown in _shares(name, parts)), shown)
    return order.index(owner) if owner in order else len(order)


def _shares(name: str, parts: tuple[str, ...]) -> list[str]:
    return [f"{name}.{part}" for part in parts]


def _slice(figure: Any) -> Any:
    trace, labels = figure.data[0], figure.layout.xaxis.categoryarray
    trace.update(customdata=trace.marker.color, hovertemplate="trial %{customdata}<br>%{x}: %{y:.4g}<extra></extra>")
    trace.update(x=_short(trace.x), y=_short(trace.y), marker={"showscale": False, "size": 8})
    plain = {label: label.strip("'") for label in labels or ()}  # Optuna shows strings in quotes
    if plain and len(set(plain.values())) == len(plain):
        trace.x = [plain[label] for label in trace.x]
        figure.layout.xaxis.categoryarray = list(plain.values())
    return _laid_out(figure, 260)


def _short(values: Any) -> list[Any]:
    """As many digits as can be seen, for a small page."""
    return [float(f"{value:.6g}") if isinstance(value, float) else value for value in values]


def contours(sweep: Sweep, found: dict[str, float] | str) -> tuple[dict[str, Any], str]:
    """A figure for each pair of the most important parameters; and a sentence on how, or why not."""
    from optuna.visualization import plot_contour

    if isinstance(found, str):
        return {}, f"No contours, which are drawn between the most important parameters. {found}"
    if len(found) < 2:
        return {}, "No contours: one parameter alone has importances."
    axes = [axis for name in list(found)[:AXES] if (axis := _axis(sweep, name))]
    # By lot, for every second or third trial may have a parameter in common.
    lot = np.random.default_rng(0).permutation(len(sweep.finished))[:CONTOUR_TRIALS]
    study = view(sweep, [sweep.finished[row] for row in lot], 0)
    drawn = {}
    for pair in combinations(axes, 2):
        figure = plot_contour(study, list(pair), target_name=sweep.objectives[0])
        surface, points = figure.data[:2]
        if surface.z is None:
            continue
        surface.update(z=np.asarray(surface.z, np.float32), colorbar={"title": None, "thickness": 10})
        points.update(marker={"color": "#1f2933", "size": 5, "line": {"width": 1, "color": "#fff"}})
        drawn[" × ".join(pair)] = _laid_out(figure, 300)
    if not drawn:
        return {}, "No contours: no two of the most important parameters can be drawn against each other."
    thinned = f" {len(lot)} of {len(sweep.finished)} are drawn." if len(lot) < len(sweep.finished) else ""
    return drawn, f"Colour is {sweep.objectives[0]}, interpolated between the trials, which are the points.{thinned}"


def _axis(sweep: Sweep, name: str) -> str | None:
    """A simplex stands in contours as the share that goes most with the first objective; ``None`` if its parts vary."""
    if name not in sweep.simplexes:
        return name
    trials = [trial for trial in sweep.finished if sweep.shares(name, trial)]
    if len(trials) < len(sweep.finished):
        return None
    figures = np.array([trial.values[0] for trial in trials])
    shares = np.array([sweep.shares(name, trial) for trial in trials])
    covariance = (figures - figures.mean()) @ (shares - shares.mean(axis=0))
    strength = np.abs(covariance) / np.maximum(shares.std(axis=0), 1e-12)
    return f"{name}.{sweep.simplexes[name][int(strength.argmax())]}"


def pareto(sweep: Sweep) -> Any:
    """Two objectives against each other."""
    from optuna.visualization import plot_pareto_front

    if len(sweep.objectives) != 2:
        return f"No Pareto front: it is drawn of two objectives, and there are {len(sweep.objectives)}."
    if not sweep.finished:
        return NOTHING
    figure = plot_pareto_front(view(sweep, sweep.finished), target_names=list(sweep.objectives))
    best = {trial.number for trial in sweep.best}
    numbers = [[t.number for t in sweep.finished if t.number not in best], [t.number for t in sweep.best]]
    for trace, own, kind in zip(figure.data, numbers, ("COMPLETE", "best"), strict=True):
        trace.update(
            customdata=own, text=None, marker={"color": COLOURS[kind], "size": 9, "showscale": False},
            hovertemplate="trial %{customdata}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
        )  # fmt: skip
    return _laid_out(figure, 360)


def _laid_out(figure: Any, height: int) -> Any:
    """The look of the page, whose headings replace Optuna's own."""
    return laid_out(figure, height).update_layout(title=None, width=None)
