"""What a finished run's folder tells."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import polars as pl
import yaml

from shoptalk.errors import InputError, finished_run

NEEDED = ("run", "corpus", "documents", "gain", "slices", "mixing", "sources", "negatives", "domain", "notices")


@dataclass(frozen=True)
class Told:
    """A finished run.

    Attributes:
        label: a letter that stands for it.
        metrics: the content of ``metrics.json``; per_query: of its parquet; config: all options, resolved.
    """

    label: str
    folder: Path
    metrics: dict[str, Any]
    per_query: pl.DataFrame
    config: dict[str, Any]

    @property
    def name(self) -> str:
        """What its options called it."""
        return str(self.metrics["run"])

    @property
    def offline(self) -> list[Path]:
        """Folders of W&B runs that were kept here and not sent yet."""
        kept = sorted(self.folder.glob("wandb/offline-run-*"))
        return [path for path in kept if not list(path.glob("*.synced"))]

    @property
    def sent(self) -> list[str]:
        """Ids of its runs that W&B has."""
        unsent = self.offline
        kept = [path for path in self.folder.glob("wandb/*run-*-*") if path not in unsent]
        return sorted({path.name.rsplit("-", 1)[1] for path in kept})


def read(folders: Sequence[str | Path]) -> list[Told]:
    """The runs in ``folders``, in their order.

    Raises:
        InputError: none is named, one is no finished run, or they are of several domains.
    """
    if isinstance(folders, str) or not folders:
        raise InputError(f"runs={folders or '[]'} names no list of runs; give folders, as in 'runs=[outputs/A]'.")
    runs = [_read(Path(folder)) for folder in folders]
    first = runs[0]
    for run in runs:
        if _domain(run) != _domain(first):
            raise InputError(f"runs={run.folder} searched {_domain(run)[0]} and {first.folder} searched "
                             f"{_domain(first)[0]} with other documents; give runs of one domain.")  # fmt: skip
    if len({run.folder.resolve() for run in runs}) < len(runs):
        raise InputError(f"runs={folders} names a folder twice; name each once.")
    return [replace(run, label=_letters(place)) for place, run in enumerate(runs)]


def _letters(place: int) -> str:
    """A, B, ... Z, A1, B1, ..."""
    return ascii_uppercase[place % 26] + str(place // 26 or "")


def _read(folder: Path) -> Told:
    finished_run("runs", folder, ("metrics.json",))
    try:
        metrics = json.loads((folder / "metrics.json").read_text())
        lacking = [name for name in NEEDED if name not in metrics]
        if lacking:
            raise ValueError(f"metrics.json lacks {', '.join(lacking)}")
        config = yaml.safe_load((folder / "config.yaml").read_text())
        return Told("", folder, metrics, pl.read_parquet(folder / "per_query.parquet"), config)
    except (OSError, ValueError, TypeError, yaml.YAMLError, pl.exceptions.PolarsError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"runs={folder} cannot be read ({told}); train it again, or leave it out.") from error


def _domain(run: Told) -> tuple[str, Any]:
    return str(run.metrics["corpus"]), run.metrics.get("corpus_digest", run.metrics["documents"])
