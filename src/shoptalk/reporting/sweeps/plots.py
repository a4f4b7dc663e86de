"""The plots of ``sweep.html`` in their order, each with its sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shoptalk.reporting.sweeps import figures, importance
from shoptalk.reporting.sweeps.read import Sweep
from shoptalk.reporting.sweeps.ternary import ternary


@dataclass(frozen=True)
class Plot:
    """A heading, what is drawn under it (name to figure, maybe nothing), and what to know of it or why it lacks."""

    heading: str
    said: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def plots(sweep: Sweep) -> list[Plot]:
    """All of them; where there are several objectives, those that show one alone show the first."""
    found = [importance.importances(sweep, i) for i in range(len(sweep.objectives))]
    order = [] if isinstance(found[0], str) else list(found[0])
    first = f" Of {sweep.objectives[0]} alone." if len(sweep.objectives) > 1 else ""
    told = [
        _each(sweep, "History", "Trials in their order, and the best so far.", figures.history),
        _one("Intermediate values", "What trials reported on their way; dotted lines were pruned.",
             figures.intermediate(sweep)),
    ]  # fmt: skip
    if len(sweep.objectives) > 1:
        said = "No trial is better than a green one in one objective without being worse in the other."
        told.append(_one("Pareto front", said, figures.pareto(sweep)))
    told.append(_each(sweep, "Importances", _importances_said(sweep), lambda s, i: _bars(found[i])))
    drawn, said = figures.slices(sweep, order)
    told.append(Plot("Slices", f"Darker points are later trials.{first} {said}" if drawn else said, drawn))
    drawn, said = figures.contours(sweep, found[0])
    told.append(Plot("Contours", said, drawn))
    for name in sweep.simplexes:
        figure, said = ternary(sweep, name)
        told.append(Plot(f"Mixtures: {name}", said, {} if figure is None else {"": figure}))
    return told


def _bars(found: dict[str, float] | str) -> Any:
    return found if isinstance(found, str) else importance.figure(found)


def _importances_said(sweep: Sweep) -> str:
    left = importance.unassessed(sweep) if sweep.finished else []
    lacking = f" Not assessed, for some trials lack them or took them from another range: {', '.join(left)}."
    return (
        f"Share of the variance that each parameter explains by itself, by fANOVA on {len(sweep.finished)} trials; "
        "what only two together explain is in none. With few trials this is a hint." + (lacking if left else "")
    )


def _one(heading: str, said: str, figure: Any) -> Plot:
    return Plot(heading, figure) if isinstance(figure, str) else Plot(heading, said, {"": figure})


def _each(sweep: Sweep, heading: str, said: str, draw: Any) -> Plot:
    """A figure per objective under its name."""
    made = {name: draw(sweep, i) for i, name in enumerate(sweep.objectives)}
    drawn = {name: figure for name, figure in made.items() if not isinstance(figure, str)}
    missing = dict.fromkeys(figure for figure in made.values() if isinstance(figure, str))
    return Plot(heading, " ".join([*([said] if drawn else []), *missing]), drawn)
