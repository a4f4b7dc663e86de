"""Where do the seconds of a sweep's trials go, and what does pruning save?

    python benchmarks/sweeps/trials.py outputs/sweeps/NAME [--pruned outputs/sweeps/OTHER]

Of the trials of NAME that began once the first had ended: the share of their time that goes into what all of them have
in common (domain, sources, negatives; asked: at most 5 %). Trials beside the first wait for the same work.

With --pruned, another sweep of the same trials (hydra/sweeper/sampler=random, the same seed, one with
hydra/sweeper/pruner=none): the seconds that pruning saved (asked: at least 35 %) and by how much the best dev figures
differ (asked: at most .01).
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from regret import CONSOLE, recorded

sys.path.append(str(Path(__file__).parents[1] / "training"))

from common import Check, judge

SHARED = ("domain", "sources", "negatives")


def seconds(folder: Path, trial: Any) -> dict[str, float]:
    """A finished trial's seconds by stage, and in all."""
    return json.loads((folder / str(trial.number) / "metrics.json").read_text())["seconds"]


def shared(folder: Path) -> float:
    """Share of shared stages in the time of all trials that began once the first had ended."""
    first, *others = sorted(recorded(folder), key=lambda trial: trial.datetime_complete)
    told = [seconds(folder, trial) for trial in others if trial.datetime_start >= first.datetime_complete]
    return sum(line[stage] for line in told for stage in SHARED) / sum(line["total"] for line in told)


def duration(trials: list[Any]) -> float:
    """Seconds by the study's clock, of trials that were run one after the other."""
    return sum((trial.datetime_complete - trial.datetime_start).total_seconds() for trial in trials)


def against(whole: Path, pruned: Path) -> list[Check]:
    """Time saved and figures lost on the same configurations."""
    pairs = [{tuple(t.user_attrs["overrides"]): t for t in recorded(folder, pruned=True)} for folder in (whole, pruned)]
    if pairs[0].keys() != pairs[1].keys():
        raise SystemExit("The two sweeps tried different configurations: take hydra/sweeper/sampler=random for both.")
    times = [duration(list(side.values())) for side in pairs]
    best = [max(t.value for t in side.values() if t.state.name == "COMPLETE") for side in pairs]
    stopped = sum(t.state.name == "PRUNED" for t in pairs[1].values())
    CONSOLE.print(f"{stopped} of {len(pairs[1])} trials pruned; best {best[0]:.4f} without pruning, {best[1]:.4f} with")
    return [
        Check("Pruning: share of time saved", 1 - times[1] / times[0], 0.35),
        Check("Pruning: best dev lost", float(np.abs(best[0] - best[1])), 0.01, at_most=True),
    ]


def main() -> None:
    """Print the checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pruned", type=Path)
    chosen = parser.parse_args()
    checks = [Check("Shared work of trials after the first", shared(chosen.folder), 0.05, at_most=True)]
    judge(checks + (against(chosen.folder, chosen.pruned) if chosen.pruned else []))


if __name__ == "__main__":
    main()
