"""What a run leaves and says of the click logs it read."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shoptalk.reporting.log_report import log_report, wandb_payload
from shoptalk.sources.clicks.diagnosis import Diagnosis
from shoptalk.sources.pairs import Yielded


def leave(folder: Path, yielded: Mapping[str, Yielded], console: Console) -> dict[str, dict[str, float]]:
    """For each source that diagnosed its log: the page ``log_report.html`` (named after the source where there are
    several), its rows left out under ``rejected/``, and the verdict on the console. Gives the figures by source."""
    diagnosed = {name: given.diagnosis() for name, given in yielded.items() if given.diagnosis is not None}
    for name, diagnosis in diagnosed.items():
        page = "log_report.html" if len(diagnosed) == 1 else f"log_report_{name}.html"
        (folder / page).write_text(log_report(diagnosis))
        show(diagnosis, console)
    for name, given in yielded.items():
        if given.removed_rows is not None:
            (folder / "rejected").mkdir(exist_ok=True)
            shutil.copyfile(given.removed_rows, folder / "rejected" / f"{name}_rows.parquet")
    return {name: wandb_payload(diagnosis) for name, diagnosis in diagnosed.items()}


def show(diagnosis: Diagnosis, console: Console) -> None:
    """The level of the log and the verdict on it."""
    table = Table(title=f"Click log of {diagnosis.source}: level {diagnosis.level}", title_justify="left")
    for column in ("what it tells", "", "what that allows"):
        table.add_column(column)
    for what, present, allows in diagnosis.tells:
        table.add_row(what, "yes" if present else "no", allows)
    console.print(table)
    for sentence in diagnosis.verdict:
        console.print(f"  [dim]{sentence}[/]", highlight=False)
