"""What ends a multirun: a table and a page of every job on dev."""

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

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
    rows = [_row(job) for job in jobs(folder)]
    names = {row["corpus"] for row in rows if row["corpus"]}
    table = Table(title=f"dev of {', '.join(sorted(names)) or 'no corpus'}", title_justify="left")
    for name, side in (
        ("job", "right"),
        ("overrides", "left"),
        ("ndcg@10", "right"),
        ("zero-shot", "right"),
        ("gain [95 %]", "right"),
        ("negatives dropped", "right"),
        ("seconds", "right"),
    ):
        table.add_column(name, justify=side, overflow="fold")
    for row in sorted(rows, key=lambda r: -r["score"]):
        table.add_row(*row["cells"])
    return table


def jobs(folder: Path) -> list[Path]:
    """The folders of a multirun's jobs, in their order."""
    return sorted((f for f in folder.iterdir() if f.is_dir() and f.name.isdigit()), key=lambda f: int(f.name))


def _row(job: Path) -> dict[str, Any]:
    overrides = job / ".hydra" / "overrides.yaml"
    asked = (
        " ".join(line[2:] for line in overrides.read_text().splitlines() if line.startswith("- "))
        if overrides.exists()
        else ""
    )
    path = job / "metrics.json"
    if not path.exists():
        reason = (job / "error.txt").read_text().strip() if (job / "error.txt").exists() else "left no metrics"
        return {"score": -1.0, "corpus": None, "cells": (job.name, asked, "failed", "", reason, "", "")}
    metrics = json.loads(path.read_text())
    dropped = sum(metrics["negatives"]["dropped"].values())
    cells = [str(dropped), f"{metrics['seconds']['total']:.0f}"]
    if "dev" not in metrics:
        return {"score": -1.0, "corpus": metrics["corpus"], "cells": (job.name, asked, "no dev split", "", "", *cells)}
    dev, gain = metrics["dev"], metrics["gain"]["dev"]["zero_shot"]
    score = dev["adapted"]["ndcg@10"]
    shown = f"{gain['ndcg@10']:+.3f} [{gain['ci95'][0]:+.3f}, {gain['ci95'][1]:+.3f}]"
    return {
        "score": score,
        "corpus": metrics["corpus"],
        "cells": (job.name, asked, f"{score:.3f}", f"{dev['zero_shot']['ndcg@10']:.3f}", shown, *cells),
    }
