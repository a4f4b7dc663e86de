"""How much of the differences between trials each parameter explains."""

from typing import Any

from shoptalk.reporting.plots import laid_out
from shoptalk.reporting.sweeps.read import ENOUGH, Sweep, view


def importances(sweep: Sweep, objective: int) -> dict[str, float] | str:
    """Share of the variance that each parameter explains by itself, largest first; a sentence where none can be told.

    fANOVA (Hutter et al. 2014) as in Optuna, over the finished trials and the parameters that all of them have over
    the same range. A simplex is one parameter: the sum over those it is drawn from.
    """
    if len(sweep.finished) < ENOUGH:
        return f"No importances: {len(sweep.finished)} trials finished, and {ENOUGH} are needed."
    if len({trial.values[objective] for trial in sweep.finished}) == 1:
        return f"No importances: every finished trial has the same {sweep.objectives[objective]}."
    if not (varied := _varied(sweep)):
        return "No importances: no parameter that all finished trials have took two values."
    found = dict.fromkeys((sweep.group(param) for param in varied), 0.0)
    for param, share in _fanova(sweep, objective, varied).items():
        found[sweep.group(param)] += share
    if not any(found.values()):
        return f"No importances: {sweep.objectives[objective]} differs by less than can be explained."
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def unassessed(sweep: Sweep) -> list[str]:
    """Parameters that some finished trials lack or took from another range."""
    everywhere = {sweep.group(param) for param in _common(sweep)}
    return sorted({sweep.group(p) for trial in sweep.finished for p in trial.params} - everywhere)


def _fanova(sweep: Sweep, objective: int, params: list[str]) -> dict[str, float]:
    from optuna.importance import FanovaImportanceEvaluator

    study = view(sweep, sweep.finished, objective, internal=True)
    try:
        return {n: float(v) for n, v in FanovaImportanceEvaluator(seed=0).evaluate(study, params).items()}
    except RuntimeError:  # its trees found no variance: a difference in the last digits
        return {}


def _common(sweep: Sweep) -> dict[str, Any]:
    first, *others = (trial.distributions for trial in sweep.finished)
    return {name: found for name, found in first.items() if all(other.get(name) == found for other in others)}


def _varied(sweep: Sweep) -> list[str]:
    return sorted(
        name
        for name, distribution in _common(sweep).items()
        if not distribution.single() and len({repr(trial.params[name]) for trial in sweep.finished}) > 1
    )


def figure(found: dict[str, float]) -> Any:
    """A bar for each parameter, the largest on top."""
    import plotly.graph_objects as go

    names = list(found)[::-1]
    bars = go.Bar(
        x=[found[name] for name in names], y=names, orientation="h", marker_color="#5b8def",
        texttemplate="%{x:.0%}", textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )  # fmt: skip
    drawn = go.Figure(bars).update_xaxes(title="share of the variance explained", tickformat=".0%", rangemode="tozero")
    return laid_out(drawn.update_yaxes(type="category", automargin=True), 110 + 28 * len(found))
