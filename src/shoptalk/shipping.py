"""Should the adapted model replace what there is? A verdict with its reasons."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from shoptalk.comparing import SMALL, deviation, values
from shoptalk.retrieval.power import needed, smallest
from shoptalk.sources.clicks.diagnosis import wilson

RIGHT, FALL = 0.8, 0.1
"""nDCG@10 from which on a query counts as answered right, and how far below that an answer must fall to be lost."""
TOLERATED = 0.2
"""Share of the queries that were right which may be lost."""
WORTH = 0.02
"""A gain in nDCG@10 that most would want to see; how many queries show it is told where nothing is clear."""

BASELINES = {"zero_shot": "zero-shot", "bm25": "BM25"}
SHIP, STAY, UNCLEAR = "ship", "do not ship", "inconclusive"


def losses(treated: np.ndarray, before: np.ndarray) -> dict[str, int]:
    """Counts of queries that were ``right`` (``RIGHT`` or more) and ``lost`` since (``FALL`` lower or more), that were
    ``wrong`` and ``won`` since; nDCG@10 of the same queries, both float [n]."""
    right = before >= RIGHT
    return {
        "right": int(right.sum()),
        "lost": int((right & (treated <= before - FALL)).sum()),
        "wrong": int((~right).sum()),
        "won": int((~right & (treated >= RIGHT)).sum()),
    }


def power(table: pl.DataFrame, split: str, treated: str = "adapted") -> dict[str, dict[str, Any]]:
    """Per baseline: ``n`` queries, the ``deviation`` of the paired differences, the ``smallest`` difference shown."""
    told = {}
    for arm in BASELINES:
        own, base = values(table, split, treated), values(table, split, arm)
        spread = deviation(own, base)
        told[arm] = {"n": len(own), "deviation": spread, "smallest": smallest(spread, len(own))}
    return told


def shipping(
    table: pl.DataFrame,
    split: str,
    gains: Mapping[str, Mapping[str, Any]],
    slices: Mapping[str, Mapping[str, Mapping[str, Any]]],
    cautions: Sequence[str] = (),
) -> dict[str, Any]:
    """``verdict`` (``ship``, ``do not ship``, ``inconclusive``), ``reasons``, ``cautions`` and ``losses`` of one split.

    - ``do not ship``: worse than zero-shot or BM25; or more than ``TOLERATED`` of the queries that either had right are
      lost, with the 95 % Wilson interval above it; or a slice is worse, Holm-corrected for all slices.
    - ``ship``: better than both, at most ``TOLERATED`` of what either had right is lost, and the split steered nothing.
    - ``inconclusive``: else.

    A share of fewer than ``SMALL`` queries that were right decides nothing.

    Args:
        table: ``comparing.judge``'s.
        gains: baseline to ``Difference.told()``.
        slices: as ``comparing.slice_gains`` gives them.
        cautions: sentences on what the judgments cannot tell; they decide nothing.
    """
    lost = {arm: losses(values(table, split, "adapted"), values(table, split, arm)) for arm in BASELINES}
    against = [*_worse(gains), *_lost(lost), *_slices(slices)]
    doubts = [*_unclear(gains, power(table, split)), *_many(lost), *_steered(split)]
    if against:
        verdict, reasons = STAY, against
    elif doubts:
        verdict, reasons = UNCLEAR, doubts
    else:
        verdict, reasons = SHIP, []
    reasons = [*reasons, *_better(gains), *_kept(lost)]
    return {"split": split, "verdict": verdict, "reasons": reasons, "cautions": list(cautions), "losses": lost}


def _points(value: float) -> str:
    return f"{100 * value:.1f} points"


def _worse(gains: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"The adapted model is worse than {name} by {_points(-gains[arm]['ndcg@10'])} of nDCG@10."
        for arm, name in BASELINES.items()
        if gains[arm]["verdict"] == "worse"
    ]


def _better(gains: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"The adapted model is better than {name} by {_points(gains[arm]['ndcg@10'])} of nDCG@10 "
        f"(95 % interval {100 * gains[arm]['ci95'][0]:+.1f} to {100 * gains[arm]['ci95'][1]:+.1f})."
        for arm, name in BASELINES.items()
        if gains[arm]["verdict"] == "better"
    ]


def _lost(lost: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"{_of(told)} that {BASELINES[arm]} had right are lost; with 95 % confidence more than {TOLERATED:.0%}."
        for arm, told in lost.items()
        if told["right"] >= SMALL and wilson(told["lost"], told["right"])[0] > TOLERATED
    ]


def _many(lost: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"{_of(told)} that {BASELINES[arm]} had right are lost, and {TOLERATED:.0%} are tolerated."
        for arm, told in lost.items()
        if told["right"] >= SMALL and told["lost"] > TOLERATED * told["right"]
    ]


def _kept(lost: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"Of {told['right']} queries that {BASELINES[arm]} had right {told['lost']} are lost, and of {told['wrong']} "
        f"others {told['won']} are right now."
        for arm, told in lost.items()
        if told["right"] and (told["right"] < SMALL or told["lost"] <= TOLERATED * told["right"])
    ]


def _of(told: Mapping[str, int]) -> str:
    return f"{told['lost']} of {told['right']} queries"


def _slices(slices: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    return [
        f"Queries with {column.replace('_', ' ')} {value} are worse than with zero-shot by "
        f"{_points(-cell['gain']['ndcg@10'])} (n = {cell['gain']['n']}, p = {cell['holm']:.4f} after Holm)."
        for column, parts in slices.items()
        for value, cell in parts.items()
        if cell["gain"]["verdict"] == "worse" and cell["holm"] < 0.05
    ]


def _unclear(gains: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    told = []
    for arm, name in BASELINES.items():
        if gains[arm]["verdict"] != "inconclusive":
            continue
        sentence = f"Whether the adapted model is better than {name} is not clear"
        if found[arm]["smallest"] is not None:
            enough = needed(WORTH, found[arm]["deviation"])
            sentence += (
                f": {found[arm]['n']} queries show differences of {_points(found[arm]['smallest'])} or more, and "
                f"{_points(WORTH)} would take {enough:,}"
            )
        told.append(sentence + ".")
    return told


def _steered(split: str) -> list[str]:
    return ["dev steered the training, so it flatters; test decides."] if split == "dev" else []
