"""A worker of the study in a folder, for tests that kill it: python worker.py FOLDER TOTAL SECONDS."""

import sys
import time
from pathlib import Path

from shoptalk.studies.grammar import parse
from shoptalk.studies.sampling import Sampling
from shoptalk.studies.study import Study

SPACE = {"way": "choice(a,b,c)", "x": "interval(0,1)", "k": "int(interval(1,9))"}


def study(folder: Path, total: int, sampler: str = "TPESampler", **options) -> Study:
    """The study that all tests share."""
    space = parse(options.pop("space", SPACE), {}, {"k": "way=b"} if "space_when" not in options else {})
    options.pop("space_when", None)
    sampling = Sampling({"_target_": f"optuna.samplers.{sampler}"}, 0)
    return Study(folder, str(folder / "study.journal"), "s", space, sampling, {"figure": "maximize"}, total, **options)


def work(one: Study, seconds: float) -> None:
    """Take trials until there are none."""
    while given := one.give():
        time.sleep(seconds)
        one.take(given, [given.trial.params.get("x", 0.0)], pid=0)


if __name__ == "__main__":
    work(study(Path(sys.argv[1]), int(sys.argv[2])), float(sys.argv[3]))
