"""What the numbers of a log mean, one sentence per question."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from shoptalk.sources.clicks.curves import Curve

if TYPE_CHECKING:
    from shoptalk.sources.clicks.diagnosis import Diagnosis

_TOLERANCE = 0.2  # relative difference of chances of examination that still counts as none
_MUCH_REMOVED, _FEW_CLICKS, _FEW_PAIRS, _LITTLE_WEIGHT = 0.25, 1_000, 100, 0.3  # rules of thumb


def sentences(log: Diagnosis) -> list[str]:
    """The questions that the numbers answer, answered."""
    return [sentence for question in _QUESTIONS if (sentence := question(log))]


def _origin(log: Diagnosis) -> str | None:
    return "The click log is simulated; its searchers are not real." if log.simulated else None


def _identified(log: Diagnosis) -> str:
    able = [curve.name for curve in log.curves if curve.estimated]
    refused = {curve.name: curve.refused for curve in log.curves if curve.refused is not None}
    if able:
        unable = f"; {', '.join(refused)} refused" if refused else ""
        return f"How often each rank is looked at can be estimated from this log, by {', '.join(able)}{unable}."
    if not refused:
        return "How often each rank is looked at was not estimated from this log: no estimator was asked."
    name, sentence = next(iter(refused.items()))
    return f"How often each rank is looked at cannot be estimated from this log. {name} says: {sentence}"


def _assumption(log: Diagnosis) -> str | None:
    if not any(curve.assumed and curve.name == log.used for curve in log.curves):
        return None
    better = ", although the log would tell" if any(curve.estimated for curve in log.curves) else ""
    return (
        f"The pairs were chosen with examination that is assumed ({log.used}){better}; they are as good as this guess."
    )


def _bias(log: Diagnosis) -> str:
    known = sorted((curve for curve in log.curves if curve.bounded), key=lambda curve: curve.name != log.used)
    if not known:
        return "Whether lower ranks are looked at less cannot be told: falling click rates may mean worse documents."
    curve = known[0]
    low, high = (bound[1:] for bound in curve.bounds(len(curve.theta) - 1))
    theta = np.array(curve.theta[1:])
    apart = np.where((low > 1) | (high < 1), np.abs(np.log(theta)), -1.0)
    if ((low >= 1 / (1 + _TOLERANCE)) & (high <= 1 + _TOLERANCE)).all():
        return f"There is no position bias to speak of: {curve.name} sees every rank looked at much like rank 1."
    if apart.max() < 0:
        widest = int(np.nanargmax(high / low))
        return (
            f"Whether there is position bias is inconclusive: every interval of {curve.name} holds 1, but they are "
            f"wide (rank {widest + 2}: {low[widest]:.2f} to {high[widest]:.2f} times as many looks as rank 1)."
        )
    rank = int(apart.argmax())
    return (
        f"There is position bias: by {curve.name} rank {rank + 2} is looked at {theta[rank]:.2f} times as often as "
        f"rank 1 (interval {low[rank]:.2f} to {high[rank]:.2f})."
    )


def _agreement(log: Diagnosis) -> str:
    able = [curve for curve in log.curves if curve.bounded]
    if len(able) < 2:
        return "Whether estimators agree is not known: fewer than two have intervals. It would test the click model."
    pairs = list(combinations(able, 2))
    found = [_difference(a, b, len(pairs) * (len(a.theta) - 1)) for a, b in pairs]
    beyond = [(gap, told) for _, gap, told in found if gap > np.log1p(_TOLERANCE)]
    if beyond:
        return (
            f"The estimators disagree beyond their intervals ({max(beyond)[1]}), so examination hardly depends on "
            f"the rank alone, or one estimator is misled by this log: doubt what is built on either curve."
        )
    most, _, told = max(found)
    if most > np.log1p(_TOLERANCE):
        return f"Whether the estimators agree is inconclusive: they differ, but within their intervals ({told})."
    return f"The estimators agree within {np.expm1(most):.0%} at every rank."


def _difference(a: Curve, b: Curve, tests: int) -> tuple[float, float, str]:
    """Largest |log ratio| of two curves over ranks, the largest where intervals are apart (else 0), and where."""
    gap = np.abs(np.log(np.array(a.theta) / np.array(b.theta)))
    (low, high), (other_low, other_high) = a.bounds(tests), b.bounds(tests)
    apart = np.where((low > other_high) | (high < other_low), gap, 0.0)
    rank = int((apart if apart.any() else gap).argmax())
    told = f"rank {rank + 1}: {a.theta[rank]:.2f} by {a.name}, {b.theta[rank]:.2f} by {b.name}"
    return float(gap.max()), float(apart.max()), told


def _enough(log: Diagnosis) -> str:
    kept, left = log.chosen["kept"], sum(log.chosen.values())
    share = log.effective_clicks / log.clicks if log.clicks else 0.0
    told = (
        f"{log.clicks:,.0f} clicks, once weighted by examination, tell as much as {log.effective_clicks:,.0f} equal "
        f"ones ({share:.0%}); {kept:,} of {left:,} pairs are chosen"
    )
    if kept < _FEW_PAIRS or log.effective_clicks < _FEW_CLICKS:
        return f"{told}: too little to train on alone; read a longer log, or loosen support and selection."
    if share < _LITTLE_WEIGHT:
        return f"{told}: a few clicks at ranks seldom examined carry most of the weight; a larger clip tames them."
    return f"{told}: enough to train on."


def _removal(log: Diagnosis) -> str:
    rows = log.removed["rows"]
    rule, most = max(log.rules.items(), key=lambda item: item[1], default=("none", 0))
    gone = sum(log.rules.values()) / rows
    if most > _MUCH_REMOVED * rows:
        return f"The rule {rule} alone removed {most / rows:.0%} of the rows: see that this is meant."
    return f"Cleaning removed {gone:.0%} of {rows:,} rows, no rule more than {_MUCH_REMOVED:.0%}."


def _pure(log: Diagnosis) -> str:
    if log.purity is None or not log.purity["chosen"].pairs:
        return "How pure the chosen pairs are is not known: no judgment of train or calibration is about their queries."
    chosen, clicked = log.purity["chosen"], log.purity["any click"]
    told = (
        f"Of {chosen.pairs:,} chosen pairs on judged queries {chosen.share:.0%} are judged relevant "
        f"({chosen.ci95[0]:.0%} to {chosen.ci95[1]:.0%}), of all {clicked.pairs:,} clicked ones {clicked.share:.0%}"
    )
    if chosen.ci95[0] > clicked.ci95[1]:
        return f"{told}: choosing helps."
    if chosen.ci95[1] < clicked.ci95[0]:
        return f"{told}: choosing harms."
    return f"{told}: whether choosing helps is inconclusive."


def _promise(log: Diagnosis) -> str:
    return "None of this says that search gets better; only judged queries do, and a run reports them."


_QUESTIONS = (_origin, _identified, _assumption, _bias, _agreement, _enough, _removal, _pure, _promise)
