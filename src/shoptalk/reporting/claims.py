"""The table that ends a multirun of arms and seeds: each arm against the first, query by query."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shoptalk.errors import InputError
from shoptalk.reporting.multirun import jobs
from shoptalk.reporting.narrow import Folding, add_columns, lined, short
from shoptalk.reporting.overrides import varied
from shoptalk.retrieval.holm import holm
from shoptalk.retrieval.significance import Difference, compare

MEASURE = "ndcg@10"


class CompareArms(Callback):
    """Hydra callback: what the seeds of an arm found is one figure per query, compared with that of the first arm.

    Args:
        split: whose queries count.
        slices: further comparisons, named before anything is seen: two arms on the queries of one slice, as
            ``{arm: negatives=twins, against: negatives=ann, column: number_twin, value: yes}``.
    """

    def __init__(self, split: str = "audit", slices: Sequence[Mapping[str, str]] = ()):
        self.split, self.slices = split, [Slice(**one) for one in slices]

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table and leave it as ``claims.json``."""
        folder, console = Path(config.hydra.sweep.dir), Console()
        found = arms(folder, self.split)
        told = judged(found)
        parts = sliced(found, self.slices)
        content = {"split": self.split, "arms": told, "slices": parts}
        (folder / "claims.json").write_text(json.dumps(content, indent=1) + "\n")
        console.print(shown(told, self.split))
        if parts:
            console.print(slices_shown(parts, self.split))
        failed = [job.name for job in jobs(folder) if not (job / "metrics.json").exists()]
        if failed:
            console.print(f"Jobs {', '.join(failed)} left no figures; the same command goes on with them.")
        console.print(f"[dim]{folder / 'claims.json'}[/]")


@dataclass(frozen=True)
class Slice:
    """Two arms on the queries of one slice."""

    arm: str
    against: str
    column: str
    value: str


def arms(folder: Path, split: str) -> dict[str, dict[int, pl.DataFrame]]:
    """Arm (its overrides but the seed and what all jobs share) to seed to its table of queries, in the jobs' order."""
    found: dict[str, dict[int, pl.DataFrame]] = {}
    for job, asked in varied(jobs(folder), ("seed=", "experiment=")).items():
        if (job / "metrics.json").exists():
            seed = json.loads((job / "metrics.json").read_text())["seed"]
            table = pl.read_parquet(job / "per_query.parquet").filter(split=split)
            found.setdefault(asked or "default", {})[seed] = table
    return found


def judged(found: Mapping[str, Mapping[int, pl.DataFrame]]) -> list[dict[str, Any]]:
    """Per arm its mean over seeds, its gain over zero-shot and over the first arm, and what can be said of the latter.

    A query's figure is its mean over the seeds that arm and first arm share, so that intervals are over queries; what
    seeds differ in is told as the spread of their means.
    """
    names = list(found)
    told = []
    for name in names:
        shared = sorted(found[name].keys() & found[names[0]].keys())
        own, base = (_values(found[arm], shared, "adapted") for arm in (name, names[0]))
        told.append({
            "arm": name,
            "seeds": sorted(found[name]),
            "means": {seed: float(_values(found[name], [seed], "adapted").mean()) for seed in sorted(found[name])},
            MEASURE: float(_values(found[name], sorted(found[name]), "adapted").mean()),
            "over_zero_shot": _told(compare(own, _values(found[name], shared, "zero_shot"))) if shared else None,
            "over_first": _told(compare(own, base)) if shared and name != names[0] else None,
        })  # fmt: skip
    _together([arm["over_first"] for arm in told if arm["over_first"]])
    return told


def sliced(found: Mapping[str, Mapping[int, pl.DataFrame]], slices: Sequence[Slice]) -> list[dict[str, Any]]:
    """Each comparison of which both arms are there; as in ``judged``, Holm over all of these."""
    told = []
    for one in slices:
        if not {one.arm, one.against} <= found.keys():
            continue
        shared = sorted(found[one.arm].keys() & found[one.against].keys())
        inside = {arm: {seed: _inside(found[arm][seed], one) for seed in shared} for arm in (one.arm, one.against)}
        own, base = (_values(inside[arm], shared, "adapted") for arm in (one.arm, one.against))
        if len(own):
            means = {MEASURE: float(own.mean()), "against_" + MEASURE: float(base.mean())}
            told.append({**asdict(one), "seeds": shared, **means, "difference": _told(compare(own, base))})
    _together([one["difference"] for one in told])
    return told


def _inside(table: pl.DataFrame, one: Slice) -> pl.DataFrame:
    if one.column not in table.columns:
        raise InputError(f"hydra.callbacks.compare.slices names the column {one.column}, which no query has.")
    return table.filter(pl.col(one.column) == one.value)


def slices_shown(told: Sequence[Mapping[str, Any]], split: str) -> Table:
    """A row per comparison: what is compared above what it is compared with."""
    table = lined(escape(f"{split}, slices"), show_lines=True)
    for name in ("slice", "arm\nagainst"):
        table.add_column(name)
    add_columns(table, "queries", "nDCG@10\nof both", "difference\n95 % interval", "verdict\np (Holm)")
    for one in told:
        found, both = one["difference"], f"{one[MEASURE]:.4f}\n{one['against_' + MEASURE]:.4f}"
        compared = Folding(f"{one['arm']}\n{one['against']}")
        table.add_row(Folding(f"{one['column']}={one['value']}"), compared, str(found["n"]), both, *_difference(found))
    return table


def shown(told: Sequence[Mapping[str, Any]], split: str) -> Table:
    """A row per arm."""
    table = lined(escape(f"{split}, mean over seeds"), show_lines=True)
    table.add_column("arm")
    add_columns(table, "nDCG@10\nspread", "seeds", "over zero-shot\n95 % interval", "over the first\n95 % interval",
                "verdict\np (Holm)")  # fmt: skip
    for arm in told:
        means = list(arm["means"].values())
        mean = f"{arm[MEASURE]:.4f}\n{max(means) - min(means):.4f}"
        over = _difference(arm["over_first"]) if arm["over_first"] else ["", ""]
        table.add_row(Folding(arm["arm"]), mean, str(len(means)), _interval(arm["over_zero_shot"]), *over)
    return table


def _values(tables: Mapping[int, pl.DataFrame], seeds: Sequence[int], arm: str) -> np.ndarray:
    """float64 [queries], ordered by id."""
    columns = [tables[seed].filter(arm=arm).sort("query_id")[MEASURE].to_numpy() for seed in seeds]
    return np.mean(columns, axis=0) if columns else np.empty(0)


def _told(difference: Difference) -> dict[str, Any]:
    return asdict(difference) | {"verdict": difference.verdict}


def _together(differences: Sequence[dict[str, Any]]) -> None:
    """Add the p-values for all comparisons together; what they do not carry is inconclusive."""
    for told, adjusted in zip(differences, holm([told["p_value"] for told in differences]), strict=True):
        told["holm"] = adjusted
        if adjusted >= 0.05:
            told["verdict"] = "inconclusive"


def _interval(told: Mapping[str, Any] | None) -> str:
    if told is None:
        return ""
    return f"{told['mean']:+.4f}\n[dim]{short(told['low'], '+.4f')} to {short(told['high'], '+.4f')}[/]"


def _difference(told: Mapping[str, Any]) -> list[str]:
    return [_interval(told), f"{told['verdict']}\n{told['holm']:.4f}"]
