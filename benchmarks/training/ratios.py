"""Every figure of training, encoding, memory and start against what is asked of it, in one table.

Runs the other scripts of this folder one after another and reads the figures that they wrote; an hour and more.
A figure that a script could not measure, or a script that failed, is never told as met.

    python benchmarks/training/ratios.py [--quick] [--only NAME …]

--quick trains 8 steps instead of 20, embeds 512 documents instead of 2,048 and leaves quality after 100 steps out. The
last line tells the smallest ratio of a figure to what is asked of it, 1 or more where everything that was measured is
met.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common import CONSOLE, Check, add_work, judge, parser


class Stage(NamedTuple):
    """A script, its options, and those that make it quick; ``quick`` is ``None`` for what a quick run leaves out."""

    script: str
    options: Sequence[str] = ()
    quick: Sequence[str] | None = ()


STEPS, LONG = ["--steps", "8"], ["--steps", "100", "--rounds", "1", "--quality"]
STAGES = {
    "equal_work": Stage("equal_work", quick=STEPS),
    "defaults": Stage("defaults", quick=STEPS),
    # 64 pairs with three negatives take the peer more than 23 GB.
    "defaults_negatives3": Stage("defaults", ["--negatives", "3", "--pairs", "16", "--steps", "8"], []),
    "encoding": Stage("encoding", quick=["--documents", "512"]),
    "memory": Stage("memory"),
    "static": Stage("static", quick=["--documents", "512"]),
    "startup": Stage("startup"),
    "equal_work_quality": Stage("equal_work", LONG, None),
    "defaults_quality": Stage("defaults", LONG, None),
}
"""What is run, in order, by the name of the figures that it writes."""


def arguments(chosen: argparse.Namespace, stage: Stage) -> list[str]:
    """What its script is started with."""
    told = ["--out", str(chosen.out), "--rounds", str(chosen.rounds)]
    if stage.script != "startup":
        told += ["--cache", str(chosen.cache), "--seed", str(chosen.seed)]
        told += ["--threads", str(chosen.threads)] if chosen.threads else []
    return [*told, *stage.options, *((stage.quick or []) if chosen.quick else [])]


def run(name: str, given: Sequence[str], out: Path) -> list[Check]:
    """The checks of one script, measured now."""
    told = out / f"{name}.json"
    told.unlink(missing_ok=True)
    CONSOLE.rule(name)
    sys.stdout.flush()
    script = Path(__file__).parent / f"{STAGES[name].script}.py"
    code = subprocess.run([sys.executable, str(script), *given]).returncode
    if code or not told.is_file():
        return [Check(f"{name}.py", None, float("nan"), note=f"not measured: the script ended with {code}")]
    return read(told)


def read(told: Path) -> list[Check]:
    """The checks that a script wrote."""
    rows = json.loads(told.read_text())["checks"]
    return [Check(row["check"], row["figure"], row["asked"], row["at_most"], row["note"]) for row in rows]


def verdict(checks: Sequence[Check]) -> str:
    """The smallest ratio of a figure to what is asked, and how many were not measured."""
    measured = [check for check in checks if check.margin is not None]
    if not measured:
        return "Nothing was measured."
    least = min(measured, key=lambda check: check.margin)
    missing = len(checks) - len(measured)
    apart = f"; {missing} of {len(checks)} checks were not measured" if missing else ""
    return f"Smallest ratio of figure to asked: {least.margin:.2f} ({least.name}){apart}"


def main(chosen: argparse.Namespace) -> int:
    """Run all, print; 1 where a script failed."""
    checks = []
    for name in chosen.only:
        stage = STAGES[name]
        if not (chosen.quick and stage.quick is None):
            checks += run(name, arguments(chosen, stage), chosen.out)
    CONSOLE.rule("all")
    judge(checks)
    CONSOLE.print(verdict(checks), soft_wrap=True)
    return int(any("ended with" in check.note for check in checks))


if __name__ == "__main__":
    options = parser(__doc__)
    add_work(options)
    options.add_argument("--quick", action="store_true", help="8 steps, 512 documents, no quality")
    options.add_argument("--only", nargs="+", choices=list(STAGES), default=list(STAGES), help="some of them (all)")
    sys.exit(main(options.parse_args()))
