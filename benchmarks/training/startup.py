"""How long does the command line take before it does anything?

Seconds by the clock of `python train.py --help` and `python train.py --cfg job`, each a process of its own.

    python benchmarks/training/startup.py [--rounds 3]

Asked: less than 2 s each.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from common import CONSOLE, Check, cell, judge, parser, rounds, spread, table, write
from encoding import seconds

from shoptalk.configs import root

ASKED = 2.0
CALLS = {"--help": ["--help"], "--cfg job": ["--cfg", "job"]}


def measure(count: int) -> dict[str, dict]:
    """Seconds of each call."""
    with TemporaryDirectory() as folder:

        def call(arguments: list[str]) -> None:
            command = [sys.executable, str(Path(root()) / "train.py"), *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

        sides = {name: lambda a=arguments: seconds(lambda: call(a)) for name, arguments in CALLS.items()}
        return {name: spread(took) for name, took in rounds(sides, count).items()}


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    figures = measure(chosen.rounds)
    shown = table("python train.py", ["call", "seconds (rounds)"])
    for name, took in figures.items():
        shown.add_row(name, cell(took, 2))
    CONSOLE.print(shown)
    checks = [
        Check(f"Start: train.py {name} (s)", took["median"], ASKED, at_most=True) for name, took in figures.items()
    ]
    judge(checks)
    write({"seconds": figures}, checks, chosen.out, "startup")


if __name__ == "__main__":
    main(parser(__doc__).parse_args())
