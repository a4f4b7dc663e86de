"""How one finished run differs from another: config, training pairs, queries."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from omegaconf import OmegaConf

from shoptalk.comparing import HEADLINE
from shoptalk.configs import asked
from shoptalk.errors import InputError, finished_run
from shoptalk.retrieval.significance import Difference, compare
from shoptalk.shipping import losses

FILES = ("metrics.json", "config.yaml", "per_query.parquet", "ranked.parquet", "pairs.parquet")
BESIDE = ("run", "cache", "logger")
"""Options that decide no figure."""
NOWHERE = "–"
FIRST, SECOND = "first", "second"
EXAMPLES = 20
"""Pairs named per source and side, those drawn most often."""


@dataclass(frozen=True)
class Differences:
    """What differs between two runs, told of the second against the first.

    Attributes:
        names: the runs' names, first and second; their folders where both have the same.
        queries: ``query_id``, ``query``, ``first``, ``second`` (nDCG@10 of their adapted models), ``change``.
        difference: over these queries, paired.
        lost: counts of ``shipping.losses``, of the second against the first.
        alone: queries that only one of the two measured.
        config: option to its value in the first and in the second: choices of groups, then values that no choice of
            these implies.
        pairs: source to counts ``both``, ``first`` (in that run alone), ``second``.
        examples: (source, ``first`` or ``second``, query, document id, times drawn) of pairs in one run alone.
        per_query: for the browser: both runs' adapted arms under the names ``first`` and ``second``, and ``ranked``.
    """

    names: tuple[str, str]
    corpus: str
    split: str
    queries: pl.DataFrame
    difference: Difference
    lost: Mapping[str, int]
    alone: int
    config: Mapping[str, tuple[str, str]]
    pairs: Mapping[str, Mapping[str, int]]
    examples: list[tuple[str, str, str, str, int]]
    per_query: pl.DataFrame
    ranked: pl.DataFrame


def differences(first: Path, second: Path, split: str) -> Differences:
    """Read two run folders and compare them on ``split``.

    Raises:
        InputError: a folder is no finished run, the split was not measured, or no query is in both.
    """
    runs = [finished_run("runs", folder, FILES) for folder in (first, second)]
    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in runs]
    tables = [_table(folder, "per_query", split, name) for folder, name in zip(runs, (FIRST, SECOND), strict=True)]
    ranked = [_table(folder, "ranked", split, name) for folder, name in zip(runs, (FIRST, SECOND), strict=True)]
    one, other = (table.select("query_id", "query", pl.col(HEADLINE)) for table in tables)
    queries = one.rename({HEADLINE: FIRST}).join(other.rename({HEADLINE: SECOND}), on=["query_id", "query"])
    if not queries.height:
        raise InputError(f"{first} and {second} share no query of {split}; compare runs of the same domain.")
    queries = queries.with_columns(change=pl.col(SECOND) - pl.col(FIRST)).sort("change", "query_id")
    before, after = queries[FIRST].to_numpy(), queries[SECOND].to_numpy()
    shared, counts = queries.select("query_id"), _pairs(*runs)
    return Differences(
        names=_names(runs, metrics),
        corpus=" and ".join(dict.fromkeys(told["corpus"] for told in metrics)),
        split=split,
        queries=queries,
        difference=compare(after, before),
        lost=losses(after, before),
        alone=one.height + other.height - 2 * queries.height,
        config=_config(*runs),
        pairs=counts[0],
        examples=counts[1],
        per_query=pl.concat(tables, how="diagonal").join(shared, on="query_id", how="semi"),
        ranked=pl.concat(ranked).join(shared, on="query_id", how="semi"),
    )


def _table(folder: Path, name: str, split: str, arm: str) -> pl.DataFrame:
    """A run's adapted model on one split, as the arm ``arm``."""
    table = pl.read_parquet(folder / f"{name}.parquet")
    if split not in table["split"]:
        measured = ", ".join(table["split"].unique(maintain_order=True)) or "none"
        raise InputError(f"split={split}: {folder} did not measure it; it measured {measured}.")
    return table.filter(split=split, arm="adapted").with_columns(arm=pl.lit(arm))


def _names(runs: Sequence[Path], metrics: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    names = tuple(told["run"] for told in metrics)
    return tuple(map(str, runs)) if names[0] == names[1] else names


def _config(first: Path, second: Path) -> dict[str, tuple[str, str]]:
    choices = [_choices(folder) for folder in (first, second)]
    chosen = _apart(*choices) if all(choices) else {}
    named = {word.lstrip("+~").partition("=")[0] for folder in (first, second) for word in asked(folder) or []}
    values = _apart(*(_flat(OmegaConf.to_container(OmegaConf.load(f / "config.yaml"))) for f in (first, second)))
    # What a choice brings is not told beside it, only what was set by name.
    told = {
        name: both
        for name, both in values.items()
        if name.partition(".")[0] not in chosen
        or any(f"{name}.".startswith(f"{one}.") for one in named - chosen.keys())
    }
    return chosen | told


def _apart(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = [name for name in {**one, **other} if name.partition(".")[0] not in BESIDE]
    found = {name: (one.get(name, NOWHERE), other.get(name, NOWHERE)) for name in names}
    return {name: values for name, values in found.items() if values[0] != values[1]}


def _choices(folder: Path) -> dict[str, str]:
    """Group of the run's config to what was chosen; empty where Hydra left no word of it."""
    hydra = folder / ".hydra" / "hydra.yaml"
    found = OmegaConf.select(OmegaConf.load(hydra), "hydra.runtime.choices") if hydra.is_file() else None
    return {group: str(choice) for group, choice in (found or {}).items() if choice and not group.startswith("hydra/")}


def _flat(options: Any, head: str = "") -> dict[str, str]:
    """Dotted name to value as JSON."""
    if not isinstance(options, dict) or not options:
        return {head: json.dumps(options, ensure_ascii=False)}
    parts = (_flat(value, f"{head}.{name}" if head else str(name)) for name, value in options.items())
    return {name: value for part in parts for name, value in part.items()}


def _pairs(first: Path, second: Path) -> tuple[dict[str, dict[str, int]], list[tuple[str, str, str, str, int]]]:
    key = ["source", "query", "doc_id"]
    one, other = (pl.read_parquet(folder / "pairs.parquet") for folder in (first, second))
    sides = {FIRST: one.join(other, on=key, how="anti"), SECOND: other.join(one, on=key, how="anti")}
    counts, examples = {}, []
    for source in sorted({*one["source"], *other["source"]}):
        inside = {side: table.filter(source=source).sort("times_drawn", "query", descending=[True, False])
                  for side, table in sides.items()}  # fmt: skip
        both = one.filter(source=source).height - inside[FIRST].height
        counts[source] = {"both": both, **{side: table.height for side, table in inside.items()}}
        for side, table in inside.items():
            shown = table.head(EXAMPLES).select("query", "doc_id", "times_drawn").iter_rows()
            examples += [(source, side, *row) for row in shown]
    return counts, examples
