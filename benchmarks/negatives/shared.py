"""What the benchmarks of mining share: each case is a process of its own; checks are told as those of training are."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "training"))  # behind this folder, which has other names

from common import CONSOLE, Check, add_work, bf16_units, judge, peak, table, write
from data import config, load

from shoptalk.configs import root

__all__ = ["CONSOLE", "Check", "bf16_units", "config", "judge", "load", "parser", "peak", "started", "table", "write"]


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all scripts have."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = root() / "outputs" / "benchmarks" / "negatives"
    made.add_argument("--out", type=Path, default=folder, help="folder of the figures (outputs/benchmarks/negatives)")
    add_work(made)
    made.add_argument("--case", help=argparse.SUPPRESS)
    return made


def started(script: str, **given: Any) -> dict[str, Any]:
    """What ``script --case`` tells of one case, run as a process of its own."""
    command = [sys.executable, script, "--case", json.dumps(given)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(told.splitlines()[-1])
