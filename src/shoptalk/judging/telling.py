"""What the judging program says in the terminal."""

import json
from collections.abc import Iterable, Mapping, Sequence

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shoptalk.judging.agreement import agreement
from shoptalk.judging.asked import Asked
from shoptalk.judging.folder import Folder, replaced, told
from shoptalk.judging.journal import said
from shoptalk.judging.leaving import Left


def notes(console: Console, notices: Iterable[str]) -> None:
    """Sentences that the user should see."""
    for notice in notices:
        console.print(f"[yellow]note:[/] {escape(notice)}", highlight=False)


def drawn(console: Console, asked: Asked, sample: pl.DataFrame) -> None:
    """What was drawn from what."""
    notes(console, asked.notices)
    table = Table(title=f"{sample.height:,} of {asked.table.height:,} queries drawn", title_justify="left")
    for name in ("traffic", "form", "drawn", "of", "searches"):
        table.add_column(name, justify="left" if name in ("traffic", "form") else "right")
    cells = sample.group_by("traffic", "form").agg(
        pl.len(), pl.col("population").first(), pl.col("cell_searches").first()
    )
    for traffic, form, taken, held, searches in cells.sort("traffic", "form").iter_rows():
        table.add_row(traffic, escape(form), f"{taken:,}", f"{held:,}", f"{searches:,.0f}" if asked.counted else "")
    console.print(table)


def pool(console: Console, before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> None:
    """How many documents there are to grade."""
    documents, known = (sum(map(len, side.values())) for side in (after, before))
    more = f", {documents - known:,} of them new" if known else ""
    console.print(f"{documents:,} documents to grade{more}: {documents / len(after):.1f} for a query.", highlight=False)


def left(console: Console, folder: Folder, found: Left, seed: int) -> None:
    """What is graded, how judges agree, and how to use it."""
    table = Table(title="Graded so far", title_justify="left", show_header=False)
    table.add_row("queries", ", ".join(f"{count:,} {state}" for state, count in found.states.items()))
    table.add_row("documents", ", ".join(f"{count:,} with {grade}" for grade, count in found.grades.items()))
    for split, count in found.splits.items():
        covered = f"from cells with {found.covered[split]:.0%} of the searches"
        table.add_row(split, f"{count:,} queries, {covered}")
    console.print(table)
    agreements(console, folder, seed)
    notices = []
    if found.unanswered:
        notices.append(f"{found.unanswered:,} graded queries have no document above 0 and cannot measure anything.")
    if found.disputed:
        notices.append(f"Judges differ on {found.disputed:,} documents; the grade of {folder.facts['judge']} counts.")
    notes(console, notices)
    if found.splits:
        print(f"Use it with: domain=beir domain.path={folder.path}")


def agreements(console: Console, folder: Folder, seed: int) -> None:
    """Every other judge against the first, in the terminal and in ``agreement.json``."""
    first, *others = folder.judges()
    grades = {judge: said(folder.journal(judge)).grades for judge in (first, *others)}
    found = {judge: agreement(grades[first], grades[judge], seed) for judge in others}
    common = {judge: one for judge, one in found.items() if one is not None}
    for judge, one in common.items():
        kappa, linear = _figure(one.kappa, one.kappa_ci95), _figure(one.linear, one.linear_ci95)
        console.print(
            f"{escape(first)} and {escape(judge)} graded {one.documents:,} documents of {one.queries:,} queries, "
            f"{one.same:.0%} of them alike: Cohen's kappa {kappa}, linearly weighted {linear}.",
            highlight=False,
        )
    if common:
        whole = {judge: {"first": first, **one.told()} for judge, one in common.items()}
        with told(folder.path), replaced(folder.path / "agreement.json") as out:
            out.write(json.dumps(whole, indent=1) + "\n")


def _figure(value: float | None, interval: tuple[float, float] | None) -> str:
    return "not defined" if value is None else f"{value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"
