"""Does the sampler find good configurations sooner than chance? On the recorded trials of a finished sweep.

The table of trials stands for training: a configuration that a sampler asks for is answered by what the sweep recorded
for it. A sweep over choices and ranges alone, tried in full (hydra/sweeper/sampler=grid), answers exactly; of any
other a Gaussian process over its trials answers, which is a simulation of training and is called so.

    python benchmarks/sweeps/regret.py outputs/sweeps/NAME [--trials 30] [--seeds 10]

Printed for random search and TPE as shipped, over the seeds: simple regret (best of the table less best found so far)
after every few trials, with a 95 % bootstrap interval of the difference. No figure is asked for.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from rich.console import Console
from rich.table import Table

from shoptalk.studies.sampling import Sampling
from shoptalk.studies.storage import JOURNAL, opened

CONSOLE = Console()
TPE = {"_target_": "optuna.samplers.TPESampler", "multivariate": True, "group": True}
RANDOM = {"_target_": "optuna.samplers.RandomSampler"}


def recorded(folder: Path, pruned: bool = False) -> list[Any]:
    """The finished trials of the study in ``folder``, the pruned ones too where asked."""
    storage = opened(str(folder / JOURNAL))
    (name,) = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    states = ("COMPLETE", "PRUNED") if pruned else ("COMPLETE",)
    return [trial for trial in trials if trial.state.name in states]


def answering(trials: list[Any]) -> tuple[Callable[[dict[str, Any]], float], float, bool]:
    """Parameters to a figure; the best figure there is; whether answers are exact."""
    exact = {key(trial.params): trial.value for trial in trials}
    sizes = [values(known) for known in trials[0].distributions.values()]
    if all(sizes) and len(exact) == int(np.prod(list(map(len, sizes)))):
        return lambda params: exact[key(params)], max(exact.values()), True
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    points = np.array([coordinates(trial.params, trial.distributions) for trial in trials])
    kernel = ConstantKernel() * Matern(np.full(points.shape[1], 0.3), (0.05, 10), nu=2.5) + WhiteKernel(0.1)
    process = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=2, random_state=0)
    process.fit(points, [trial.value for trial in trials])
    known = trials[0].distributions
    dense = np.random.default_rng(0).random((20_000, points.shape[1]))
    best = max(process.predict(dense).max(), process.predict(points).max())
    return lambda params: float(process.predict([coordinates(params, known)])[0]), float(best), False


def key(params: dict[str, Any]) -> tuple[str, ...]:
    """A configuration, whatever the order of its parameters."""
    return tuple(f"{name}={value}" for name, value in sorted(params.items()))


def values(known: Any) -> list[Any]:
    """All values of a distribution; none where they are endless."""
    if isinstance(known, optuna.distributions.CategoricalDistribution):
        return list(known.choices)
    step = getattr(known, "step", None)
    return [] if step is None or known.log else list(np.arange(known.low, known.high + step / 2, step))


def coordinates(params: dict[str, Any], known: dict[str, Any]) -> list[float]:
    """A configuration in the unit cube; a choice is one coordinate for each option."""
    found: list[float] = []
    for name, one in sorted(known.items()):
        if isinstance(one, optuna.distributions.CategoricalDistribution):
            found += [float(params[name] == choice) for choice in one.choices]
            continue
        low, high, value = (np.log(x) if one.log else float(x) for x in (one.low, one.high, params[name]))
        found.append((value - low) / (high - low or 1.0))
    return found


def tried(sampler: dict[str, Any], known: dict[str, Any], answer: Callable, count: int, seed: int) -> list[float]:
    """Figures of the configurations that a sampler asks for."""
    sampling, study, found = Sampling(sampler, seed), optuna.create_study(direction="maximize"), []
    for number in range(count):
        study.sampler = sampling.at(number)
        trial = study.ask(known)
        found.append(answer(trial.params))
        study.tell(trial, found[-1])
    return found


def interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean over seeds."""
    random = np.random.default_rng(0)
    means = differences[random.integers(len(differences), size=(10_000, len(differences)))].mean(axis=1)
    return tuple(np.quantile(means, [0.025, 0.975]))


def main() -> None:
    """Print the curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a finished sweep of one objective")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=10)
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trials = recorded(chosen.folder)
    answer, best, exact = answering(trials)
    found = {}
    for name, sampler in (("random", RANDOM), ("TPE", TPE)):
        curves = [tried(sampler, trials[0].distributions, answer, chosen.trials, seed) for seed in range(chosen.seeds)]
        found[name] = best - np.maximum.accumulate(np.array(curves), axis=1)
    how = "exact answers" if exact else "answers of a Gaussian process: simulated"
    table = Table(
        title=f"Simple regret, {len(trials)} recorded trials, {how}, {chosen.seeds} seeds", title_justify="left"
    )
    for name in ("trials", "random", "TPE", "TPE less random [95 %]"):
        table.add_column(name, justify="right")
    steps = sorted({*range(5, chosen.trials + 1, 5), chosen.trials})
    for step in steps:
        random, tpe = (found[name][:, step - 1] for name in ("random", "TPE"))
        low, high = interval(tpe - random)
        table.add_row(str(step), f"{random.mean():.4f}", f"{tpe.mean():.4f}",
                      f"{(tpe - random).mean():+.4f} [{low:+.4f}, {high:+.4f}]")  # fmt: skip
    CONSOLE.print(table)
    told = {name: curve.mean(axis=0).tolist() for name, curve in found.items()}
    (chosen.folder / "regret.json").write_text(json.dumps({"exact": exact, "best": best, **told}, indent=1) + "\n")


if __name__ == "__main__":
    main()
