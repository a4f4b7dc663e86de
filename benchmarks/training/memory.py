"""How much memory does a training step take, and does gradient caching keep it with large batches?

Each case is a process of its own, which trains two steps with conf/trainer/auto.yaml and tells the most memory it has
held by the end of the second (VmHWM): interpreter, weights and optimizer included. It loads no domain, only the texts
of its batches.

    python benchmarks/training/memory.py [--all] [--threads N]

Asked: the peak with 1,024 pairs and trainer.gradient_cache=true at most 1.25 times that with 64 pairs and without.
--all adds 1,024 pairs without, which takes some gigabytes.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import ours
from common import CONSOLE, Check, add_work, judge, parser, table, write
from data import Drawn, Ground, draw, load

from shoptalk.system import set_threads

ASKED, STEPS = 1.25, 2
SMALL, LARGE, UNCACHED = "64 pairs", "1,024 pairs, cached", "1,024 pairs"
CASES = {SMALL: (64, False), LARGE: (1024, True), UNCACHED: (1024, False)}
"""Pairs of a step, and whether gradients are cached."""


def case(texts: Path, size: int, cached: bool, threads: int | None) -> dict[str, float]:
    """Train on ``texts`` in this process; peaks in MB before the first step and after the last."""
    set_threads(threads)
    with TemporaryDirectory() as folder:
        run = ours.train(Drawn.read(texts), size, Path(folder), f"trainer.gradient_cache={str(cached).lower()}")
    if run.told["halved"] or run.told["gradient_cache"] is not cached:
        raise SystemExit("Memory ran out within the run, so that it did not train as asked.")
    before, after = (run.peaks[at] / 2**20 for at in (0, -1))
    return {"before_mb": before, "peak_mb": after, "loss": run.losses[-1], "steps": run.steps}


def measure(chosen: argparse.Namespace, names: list[str]) -> dict[str, dict]:
    """Every case in a process of its own, ``rounds`` times; the round with the median peak."""
    ground, found = Ground(load(chosen.cache)), {}
    for name in names:
        size, cached = CASES[name]
        with TemporaryDirectory() as folder:
            texts = Path(folder) / "texts.json"
            draw(ground, size, STEPS, chosen.seed).save(texts)
            lines = []
            for number in range(chosen.rounds):
                CONSOLE.print(f"[dim]{name}, round {number + 1} of {chosen.rounds}[/]")
                lines.append(_started(texts, size, cached, chosen.threads))
        middle = median(line["peak_mb"] for line in lines)
        found[name] = min(lines, key=lambda line: abs(line["peak_mb"] - middle)) | {"rounds": lines}
    return found


def _started(texts: Path, size: int, cached: bool, threads: int | None) -> dict[str, float]:
    """``case`` in a process of its own."""
    given = json.dumps({"texts": str(texts), "size": size, "cached": cached, "threads": threads})
    command = [sys.executable, __file__, "--case", given]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(told.splitlines()[-1])


def main(chosen: argparse.Namespace) -> None:
    """Measure every case, print, write."""
    if chosen.case:
        given = json.loads(chosen.case)
        print(json.dumps(case(**given | {"texts": Path(given["texts"])})))
        return
    set_threads(chosen.threads)
    figures = measure(chosen, [name for name in CASES if name != UNCACHED or chosen.all])
    shown = table(
        f"Peak memory over {STEPS} steps (MB)", ["case", "peak", "before training", "peak / that of 64 pairs"]
    )
    for name, figure in figures.items():
        ratio = figure["peak_mb"] / figures[SMALL]["peak_mb"]
        shown.add_row(name, f"{figure['peak_mb']:,.0f}", f"{figure['before_mb']:,.0f}", f"{ratio:.2f}")
    CONSOLE.print(shown)
    ratio = figures[LARGE]["peak_mb"] / figures[SMALL]["peak_mb"]
    checks = [Check("Peak memory: 1,024 pairs cached over 64 pairs", ratio, ASKED, at_most=True)]
    judge(checks)
    write({"steps": STEPS, "cases": figures, "ratio": ratio}, checks, chosen.out, "memory")


if __name__ == "__main__":
    options = parser(__doc__)
    add_work(options)
    options.add_argument("--all", action="store_true", help="also 1,024 pairs without caching")
    options.add_argument("--case", help=argparse.SUPPRESS)
    main(options.parse_args())
