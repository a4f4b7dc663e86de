"""What a sweep found, in sentences."""

from collections.abc import Mapping
from typing import Any

from shoptalk.reporting.sweeps.read import STATES, Sweep


def title(sweep: Sweep) -> str:
    """What was searched, and on which problem."""
    return f"Sweep of {' and '.join(sweep.objectives)}{scope(sweep)}"


def headline(sweep: Sweep) -> str:
    """The best trials, and among how many."""
    names = [f"{name} ({way(sweep, i)})" for i, name in enumerate(sweep.objectives)]
    finished = f"{len(sweep.finished)} finished {'trial' if len(sweep.finished) == 1 else 'trials'}"
    if not sweep.best:
        return f"No trial finished{scope(sweep)}, so no configuration is best by {' and '.join(names)}."
    if len(sweep.objectives) == 1:
        (best,) = sweep.best
        return f"Best of {finished}{scope(sweep)} is trial {best.number}: {names[0]} {best.values[0]:.4g}."
    numbers = ", ".join(str(trial.number) for trial in sweep.best)
    return (
        f"Pareto-optimal among {finished}{scope(sweep)} by {' and '.join(names)}: trial {numbers}. No trial is better "
        "than one of these in one objective without being worse in another."
    )


def smaller(sweep: Sweep) -> str:
    """What the figures of trials are worth where they are of a smaller problem."""
    if not sweep.told.get("fidelity"):
        return ""
    return f"Figures of trials are of a smaller problem, {sweep.told['fidelity']}; those of the whole problem differ."


def counts(sweep: Sweep) -> str:
    """Trials by state, and where some came from."""
    parts = [f"{sweep.count(state)} {state}" for state in STATES.values()]
    known = parts[:3] + [part for part in parts[3:] if not part.startswith("0 ")]
    sentences = [f"{sweep.told['total']} trials asked for: {', '.join(known)}."]
    if endless := sweep.count("completed") - len(sweep.finished):
        sentences.append(f"{endless} completed without a finite figure and are in the table alone.")
    if taken := sum("from" in trial.user_attrs for trial in sweep.trials):
        sentences.append(f"{taken} of them taken over from an earlier study.")
    return " ".join(sentences)


def way(sweep: Sweep, objective: int) -> str:
    """Which end of an objective is the better."""
    return "more is better" if sweep.maximised[objective] else "less is better"


def closing(sweep: Sweep, told: Mapping[str, Any]) -> list[str]:
    """The best configuration against the default on data that no trial saw, and how much choosing had flattered it."""
    best, found, split = told["best"], told["difference"], told["split"]
    change = {"better": "is better than", "worse": "is worse than", "inconclusive": "differs from"}[found["verdict"]]
    doubt = "; inconclusive" if found["verdict"] == "inconclusive" else ""
    by = found["mean"] if doubt else abs(found["mean"])
    seeds = ", ".join(map(str, told["seeds"]))
    sentences = [
        f"Trained again with seeds {seeds} and read once on {found['n']} queries of {split}, trial {best['trial']} "
        f"reaches {best['mean']:.4f} and {change} the default ({told['default']['mean']:.4f}) by {100 * by:.1f} points "
        f"(95 % interval {100 * found['low']:+.1f} to {100 * found['high']:+.1f}, p = {found['p_value']:.4f}{doubt})."
    ]
    optimism, own = told["optimism"], best["mean"] + told["optimism"]
    sentences.append(
        f"The sweep had promised {own:.4f} for it on dev{scope(sweep)}, {100 * abs(optimism):.1f} points "
        f"{'more' if optimism >= 0 else 'less'} than {split} shows; trained again it has {best['dev']:.4f} on dev."
    )
    return sentences


def scope(sweep: Sweep) -> str:
    """`` on a smaller problem (...)``, or nothing."""
    fidelity = sweep.told.get("fidelity")
    return f" on a smaller problem ({fidelity})" if fidelity else ""
