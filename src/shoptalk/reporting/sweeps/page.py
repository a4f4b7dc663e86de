"""``sweep.html``: one file that tells what a hyper-parameter search found, and how to run it again."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from jinja2 import Environment

from shoptalk.errors import InputError
from shoptalk.reporting.plots import drawn
from shoptalk.reporting.sweeps import words
from shoptalk.reporting.sweeps.plots import plots
from shoptalk.reporting.sweeps.read import STATES, Sweep, quiet, read
from shoptalk.reporting.sweeps.rerun import command_line, experiment_yaml
from shoptalk.reporting.sweeps.template import TEMPLATE


def page(study: Any, closing: Mapping[str, Any] | None) -> str:
    """The whole page, its script inlined, so that it opens anywhere.

    Args:
        study: an ``optuna.Study`` with the user attributes ``objectives``, ``fidelity``, ``command``, ``task`` and
            ``total``; its trials may hold ``overrides``, ``folder``, ``seconds``, ``error``, ``simplex`` and ``from``.
        closing: the best configuration and the default, trained again and read on a split that no trial saw.
    """
    with quiet():
        return _rendered(read(study), closing)


def _rendered(sweep: Sweep, closing: Mapping[str, Any] | None) -> str:
    told = plots(sweep)
    for plot in told:
        for figure in plot.figures.values():
            figure.layout.template.data = None  # defaults of every kind of plot there is, in each of many figures
    figures = drawn({f"{plot.heading} {name}": figure for plot in told for name, figure in plot.figures.items()})
    params = list(dict.fromkeys(name for trial in sweep.trials for name in sweep.shown(trial)))
    jinja = Environment(autoescape=True)
    jinja.filters |= {"figure": _figure, "sortable": _sortable}
    return jinja.from_string(TEMPLATE).render(
        title=words.title(sweep),
        headline=words.headline(sweep),
        notes=[sentence for sentence in (words.smaller(sweep), words.counts(sweep)) if sentence],
        closing=closing,
        verdicts=words.closing(sweep, closing) if closing else [],
        plots=told,
        figures=figures,
        ways=[f"{name}, {words.way(sweep, i)}" for i, name in enumerate(sweep.objectives)],
        params=params,
        rows=[_row(sweep, trial, params) for trial in sweep.trials],
        best=[_best(sweep, number, overrides) for number, overrides in _chosen(sweep, closing).items()],
        command=sweep.told["command"],
    )


def _chosen(sweep: Sweep, closing: Mapping[str, Any] | None) -> dict[int, list[str]]:
    """The trials to tell in full, each with its overrides; what was trained again stands first, as it then was."""
    best = {trial.number: trial.user_attrs.get("overrides", []) for trial in sweep.best}
    if closing is None:
        return best
    again = {closing["best"]["trial"]: closing["best"]["overrides"]}
    return again if len(sweep.objectives) == 1 else again | {n: best[n] for n in best if n not in again}


def _best(sweep: Sweep, number: int, overrides: Sequence[str]) -> dict[str, Any]:
    overrides = alone([*sweep.told["task"], *overrides])
    values = sweep.trials[number].values
    figures = " and ".join(f"{name} {value:.4g}" for name, value in zip(sweep.objectives, values, strict=True))
    told = {"number": number, "figures": figures, "command": command_line(overrides)}
    try:
        return told | {"yaml": experiment_yaml(overrides, f"Trial {number} of a sweep: {figures}{words.scope(sweep)}.")}
    except InputError as error:
        return told | {"error": str(error)}


def alone(overrides: Sequence[str]) -> list[str]:
    """Overrides that run one trial outside its sweep: of a key set twice the last, and nothing that starts a sweep."""
    last = {override.partition("=")[0]: override for override in overrides}
    return [o for key, o in last.items() if key != "sweeps" and not key.lstrip("+").startswith(("hydra.", "hydra/"))]


def _row(sweep: Sweep, trial: Any, params: Sequence[str]) -> dict[str, Any]:
    told, shown = trial.user_attrs, sweep.shown(trial)
    return {
        "number": trial.number,
        "state": STATES[trial.state.name] + (f", from {told['from']}" if "from" in told else ""),
        "best": trial.number in {best.number for best in sweep.best},
        "cells": [
            *(trial.values if trial.state.name == "COMPLETE" else [None] * len(sweep.objectives)),
            *(_plain(shown[name]) if name in shown else None for name in params),
            told.get("seconds"),
        ],
        "error": told.get("error", ""),
        "folder": told.get("folder", ""),
    }


def _plain(value: Any) -> Any:
    """As on the command line."""
    return json.dumps(value) if value is None or isinstance(value, bool) else value


def _figure(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _sortable(value: Any) -> str:
    """What a column is ordered by; nothing for what is no number."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return f"{value:.8g}" if number else ""
