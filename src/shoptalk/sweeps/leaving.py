"""What a sweep leaves: the page, the best configurations as experiments, the command lines that give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl
from hydra.utils import instantiate

from shoptalk.reporting.sweeps.page import alone, page
from shoptalk.reporting.sweeps.rerun import command_line, experiment_yaml
from shoptalk.reporting.tracking import Swept
from shoptalk.studies.study import Study
from shoptalk.sweeps.composing import command, standalone

if TYPE_CHECKING:
    from shoptalk.sweeps.sweep import Sweep


def leave(sweep: Sweep, closing: Mapping[str, Any] | None) -> None:
    """Write ``sweep.html`` and ``experiment/*.yaml``; say where they are and how to train the best again."""
    study = sweep.study
    task = standalone(sweep.fixed, sweep.config, sweep.loader)  # the sweep's own file set some of these
    told = {"fidelity": sweep.options.fidelity, "command": command(), "task": task, "total": study.total}
    for name, value in told.items():
        study.optuna.set_user_attr(name, value)
    for trial in study.best():
        path = sweep.folder / "experiment" / f"{sweep.options.study}_{trial.number}.yaml"
        overrides = alone([*task, *trial.user_attrs["overrides"]])
        figures = ", ".join(f"{n} {v:.4g}" for n, v in zip(study.names, trial.values, strict=True))
        small = f" ({sweep.options.fidelity})" if sweep.options.fidelity else ""
        note = f"Trial {trial.number} of sweep {sweep.options.study}: {figures}{small}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(experiment_yaml(overrides, note))
        for line in (f"trial {trial.number}: {figures}", f"  {command_line(overrides)}",
                     f"  as an experiment: cp {path} conf/experiment/"):  # fmt: skip
            sweep.console.print(line, highlight=False, soft_wrap=True)
    written = sweep.folder / "sweep.html"
    written.write_text(page(study.optuna, closing))
    figures = {"best": _best(sweep), "closing": dict(closing or {}), "fidelity": sweep.options.fidelity}
    told = Swept(sweep.options.study, sweep.folder, written, trials(study), figures)
    instantiate(sweep.config.logger).swept(told)
    sweep.console.print(f"[dim]{written}[/]")


def trials(study: Study) -> pl.DataFrame:
    """A row for each trial: number, state, figures, options, seconds, error."""
    rows = []
    for trial in study.trials:
        told = trial.user_attrs
        values = dict(zip(study.names, trial.values or [None] * len(study.names), strict=True))
        rows.append({"trial": trial.number, "state": trial.state.name.lower(), **values,
                     "options": " ".join(told.get("overrides", ())), "seconds": told.get("seconds"),
                     "error": told.get("error")})  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def _best(sweep: Sweep) -> list[dict[str, Any]]:
    return [{"trial": t.number, "values": list(t.values), "overrides": t.user_attrs["overrides"]}
            for t in sweep.study.best()]  # fmt: skip
