"""What ends a multirun: a table and a page of every job on dev."""

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shoptalk.reporting.narrow import Folding, add_columns, lined, short
from shoptalk.reporting.overrides import varied
from shoptalk.reporting.pages.multirun import report_of_multirun


class CompareRuns(Callback):
    """Hydra callback: reads what each job left, prints one table of dev and leaves ``report.html``."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Compare the jobs of this multirun; a sweep tells of its trials itself."""
        if "study" in config.hydra.sweeper:
            return
        console, folder = Console(), Path(config.hydra.sweep.dir)
        console.print(comparison(folder))
        if page := report_of_multirun(jobs(folder)):
            (folder / "report.html").write_text(page, encoding="utf-8")
            console.print(f"[dim]{folder / 'report.html'}[/]")
        console.print("[dim]test stays unread under multirun; train the one you choose by itself to read it[/]")


def comparison(folder: Path) -> Table:
    """One row per job folder, best dev nDCG@10 first, failed jobs last with their sentence."""
    rows = [_row(job, asked) for job, asked in varied(jobs(folder)).items()]
    names = {row["corpus"] for row in rows if row["corpus"]}
    title = f"dev of {escape(', '.join(sorted(names)) or 'no corpus')}"
    table = lined(title, show_lines=True)
    add_columns(table, "job")
    table.add_column("overrides")
    add_columns(table, "nDCG@10", "zero-\nshot", "gain\n95 % interval", "negatives\ndropped", "seconds")
    for row in sorted(rows, key=lambda r: -r["score"]):
        table.add_row(*row["cells"])
    return table


def jobs(folder: Path) -> list[Path]:
    """The folders of a multirun's jobs, in their order."""
    return sorted((f for f in folder.iterdir() if f.is_dir() and f.name.isdigit()), key=lambda f: int(f.name))


def _row(job: Path, asked: str) -> dict[str, Any]:
    path = job / "metrics.json"
    if not path.exists():
        reason = (job / "error.txt").read_text().strip() if (job / "error.txt").exists() else "left no metrics"
        return {"score": -1.0, "corpus": None, "cells": (job.name, Folding(f"{asked}\n{reason}"), "failed")}
    metrics = json.loads(path.read_text())
    dropped = sum(metrics["negatives"]["dropped"].values())
    cells = [str(dropped), f"{metrics['seconds']['total']:.0f}"]
    if "dev" not in metrics:
        told = (job.name, Folding(f"{asked}\nno dev split"), "", "", "", *cells)
        return {"score": -1.0, "corpus": metrics["corpus"], "cells": told}
    dev, gain = metrics["dev"], metrics["gain"]["dev"]["zero_shot"]
    score = dev["adapted"]["ndcg@10"]
    low, high = (short(side, "+.3f") for side in gain["ci95"])
    shown = f"{gain['ndcg@10']:+.3f}\n[dim]{low} to {high}[/]"
    return {
        "score": score,
        "corpus": metrics["corpus"],
        "cells": (job.name, Folding(asked), f"{score:.3f}", f"{dev['zero_shot']['ndcg@10']:.3f}", shown, *cells),
    }
