"""The sections of a report on finished runs, those of ``report.html``; a page and a W&B Report draw them alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from shoptalk.reporting.runs.pairwise import against_first, scores, shared_split
from shoptalk.reporting.runs.parts import Code, Grid, Section
from shoptalk.reporting.runs.told import Told
from shoptalk.reporting.tables import ARMS, SPLITS, hidden, verdict

MEASURES = {"ndcg@10": "nDCG@10", "recall@100": "recall@100", "mrr@10": "MRR@10"}


def sections(runs: Sequence[Told], split: str | None = None, queries: int = 10) -> list[Section]:
    """Verdict, scores, slices, mixture, negatives, teacher, queries, provenance, config, in this order.

    Args:
        split: whose queries the runs are compared on; ``None`` takes dev where all have it.
        queries: of each run that gained most, and as many that lost most, are shown; 0 shows no query.
    """
    shared = shared_split(runs, split)
    return [
        Section("Verdict", _verdict(runs, shared)),
        Section("Scores", [_scores(runs)]),
        Section("Slices", _slices(runs)),
        Section("Mixture", [_mixture(runs)]),
        Section("Negatives", [_negatives(runs)]),
        Section("Teacher", [_teacher(runs)]),
        Section("Queries", _queries(runs, shared, queries)),
        Section("Provenance", _provenance(runs)),
        Section("Config", _config(runs)),
    ]


def _verdict(runs: Sequence[Told], split: str | None) -> list[str]:
    told = []
    for run in runs:
        measured = [name for name in SPLITS if name in run.metrics]
        told += [f"{run.label}, {run.name}: {verdict(run.metrics, measured[-1]) if measured else 'not measured.'}"]
        told += [f"{run.label}: {hidden(run.metrics['simulated'])}"] if "simulated" in run.metrics else []
    if len(runs) > 1 and split is None:
        told.append("The runs share no split, so they are not compared.")
    elif len(runs) > 1:
        told += [found.sentence(runs[0], split) for found in against_first(runs, split)]
    return told


def _scores(runs: Sequence[Told]) -> Grid:
    rows = []
    for run, split, arm in ((r, s, a) for r in runs for s in SPLITS if s in r.metrics for a in ARMS):
        if arm in run.metrics[split]:
            figures = [f"{run.metrics[split][arm][name]:.3f}" for name in MEASURES]
            over = run.metrics["gain"][split].get(arm)
            rows.append([run.label, split, ARMS[arm], *figures, gained(over) if over else ""])
    return Grid(["run", "split", "retriever", *MEASURES.values(), "adapted over it [95 %]"], rows, words=3)


def gained(gain: Mapping[str, Any]) -> str:
    """A difference with its interval."""
    low, high = gain["ci95"]
    return f"{gain['ndcg@10']:+.3f} [{low:+.3f}, {high:+.3f}]"


def _slices(runs: Sequence[Told]) -> list[str | Grid]:
    rows = [
        [run.label, split, f"{column}: {value}", f"{cells['n']:,}", *(_score(cells.get(arm)) for arm in ARMS)]
        for run in runs
        for split, columns in run.metrics["slices"].items()
        for column, values in columns.items()
        for value, cells in values.items()
    ]
    columns = ["run", "split", "slice", "n", *ARMS.values()]
    return [Grid(columns, rows, words=3)] if rows else ["The domain has no slices."]


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _mixture(runs: Sequence[Told]) -> Grid:
    rows = []
    for run in runs:
        mixing = run.metrics["mixing"]
        for source in mixing["asked"]:
            shares = [f"{mixing[key].get(source, 0):.1%}" for key in ("asked", "drawn", "share_of_loss")]
            rows.append([run.label, source, f"{mixing['pairs'].get(source, 0):,}", *shares])
    return Grid(["run", "source", "pairs", "asked", "drawn", "share of loss"], rows, words=2)


def _negatives(runs: Sequence[Told]) -> Grid:
    """Every figure of the negatives that is one number, and how many each filter dropped."""
    rows = []
    for run in runs:
        told = run.metrics["negatives"]
        known = {f"kept by {miner}": n for miner, n in told.get("miners", {}).items()}
        known |= {f"dropped: {why}": n for why, n in told.get("dropped", {}).items()}
        false = told.get("false_negatives") or {}
        known |= {"share that answers the query by the hidden truth": false.get("rate")}
        rows += _figures(run.label, told | known)
    return Grid(["run", "negatives", "figure"], rows, words=2)


def _teacher(runs: Sequence[Told]) -> Grid:
    rows: list[list[str]] = []
    for run in runs:
        teacher = run.metrics.get("teacher")
        rows += _figures(run.label, teacher) if teacher else [[run.label, "no teacher", ""]]
    return Grid(["run", "teacher", "figure"], rows, words=2)


def _figures(label: str, told: Mapping[str, Any]) -> list[list[str]]:
    return [[label, str(name), number(value)] for name, value in told.items() if isinstance(value, str | int | float)]


def number(value: Any) -> str:
    """A figure for people: whole numbers by thousands, others to four places."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _queries(runs: Sequence[Told], split: str | None, most: int) -> list[str | Grid]:
    if split is None or most == 0:
        return ["No query is shown."]
    rows = []
    for run in runs:
        table = scores(run, split).select("query", *ARMS).with_columns(change=_change()).sort("change", "query")
        changed = table.filter(table["change"] != 0)
        for row in _ends(list(changed.iter_rows(named=True)), most):
            figures = [_score(row[arm]) for arm in ARMS]
            rows.append([run.label, row["query"], *figures, f"{row['change']:+.3f}"])
    note = f"nDCG@10 on {split}: of each run, the queries that gained most over zero-shot and that lost most."
    return [note, Grid(["run", "query", *ARMS.values(), "change"], rows, words=2)]


def _change() -> Any:
    import polars as pl

    return pl.col("adapted") - pl.col("zero_shot")


def _ends(rows: list[dict[str, Any]], most: int) -> Iterable[dict[str, Any]]:
    """The largest gains, largest first, then the largest losses."""
    gains = [row for row in reversed(rows) if row["change"] > 0][:most]
    return [*gains, *[row for row in rows if row["change"] < 0][:most]]


def _provenance(runs: Sequence[Told]) -> list[str | Grid]:
    rows, notices = [], {}
    for run in runs:
        told = run.metrics
        counts = {"domain": told["domain"], **told["sources"]}
        rows += [[run.label, where, *line[1:]] for where, of in counts.items() for line in _figures("", of)]
        notices |= {f"{run.label}: {notice}": None for notice in told["notices"]}
    size = f"{runs[0].metrics['documents']:,} documents of {runs[0].metrics['corpus']}."
    return [size, *notices, Grid(["run", "where", "what was read or left out, and why", "count"], rows, words=3)]


def _config(runs: Sequence[Told]) -> list[str | Grid | Code]:
    own = [_flat(run.config) for run in runs]
    names = {name: None for options in own for name in options if not name.startswith("run.")}
    rows = [[name, *cells] for name in names if len(set(cells := [o.get(name, "") for o in own])) > 1]
    folders = [f"{run.label}: {run.folder}" for run in runs]
    differ = Grid(["option", *(run.label for run in runs)], rows, words=1 + len(runs))
    same = [] if len(runs) == 1 else ["No option differs."]
    first = [f"All options of {runs[0].label}:", Code(yaml.safe_dump(runs[0].config, sort_keys=False))]
    return [*folders, *([differ] if rows else same), *first]


def _flat(node: Any, name: str = "") -> dict[str, str]:
    if not isinstance(node, Mapping) or not node:
        return {name: str(node)}
    return {key: value for part in node for key, value in _flat(node[part], f"{name}.{part}".strip(".")).items()}
