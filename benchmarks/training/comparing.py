"""Training on both sides: which runs there are, that their batches are the same, how their figures are told."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import ours
import peer
from common import (
    CONSOLE,
    Check,
    Trained,
    against_bf16,
    bf16_units,
    cell,
    judge,
    own_precision,
    rounds,
    spread,
    table,
    write,
)
from data import Drawn, quality
from sentence_transformers import SentenceTransformer

from shoptalk.domain.judgments import Domain
from shoptalk.models.encoder import Encoder
from shoptalk.training.batches import Batch
from shoptalk.training.settings import Settings

PEER, PEER_BF16, OURS, OURS_FP32 = "peer, fp32", "peer, bf16", "ours, auto", "ours, fp32"

Sides = dict[str, Callable[[], Trained]]


def sides(drawn: Drawn, size: int, settings: Settings | None, work: Path, bf16: bool = True) -> Sides:
    """Who trains: the peer and ours, each in both precisions.

    Args:
        settings: what the peer must do as we do; ``None`` leaves both at their defaults.
        work: a folder for what training leaves.
        bf16: also the peer in bf16.
    """

    def of_peer(in_bf16: bool) -> Callable[[], Trained]:
        def run() -> Trained:
            with TemporaryDirectory(dir=work) as folder:
                return peer.train(drawn, size, Path(folder), bf16=in_bf16, settings=settings)

        return run

    def of_ours(*overrides: str) -> Callable[[], Trained]:
        def run() -> Trained:
            with TemporaryDirectory(dir=work) as folder:
                return ours.train(drawn, size, Path(folder), *overrides)

        return run

    found: Sides = {PEER: of_peer(False), OURS: of_ours()}
    if bf16:
        found[PEER_BF16] = of_peer(True)
    if own_precision() != "fp32":
        found[OURS_FP32] = of_ours("trainer.precision=32-true")
    return found


def same_batches(theirs: Sequence[Mapping[str, Any]], own: Sequence[Batch], per_pair: int) -> None:
    """Fail unless both sides' batches hold the same token ids, pair by pair and step by step, and no more.

    Then nothing is masked on our side, and no document stands twice on theirs, so that both losses are the
    same function of the same texts.
    """
    assert len(theirs) == len(own), f"{len(theirs)} batches there and {len(own)} here"
    for step, (there, here) in enumerate(zip(theirs, own, strict=True)):
        columns = ["positive", *(f"negative_{k + 1}" for k in range(per_pair))]
        positives = here.documents.take(here.targets.positive.numpy())
        assert tokens(there, "anchor") == [ids.tolist() for ids in here.queries], f"queries differ at step {step}"
        assert tokens(there, "positive") == [ids.tolist() for ids in positives], f"positives differ at step {step}"
        documents = sorted(ids for column in columns for ids in tokens(there, column))
        assert documents == sorted(ids.tolist() for ids in here.documents), f"documents differ at step {step}"
        assert not here.targets.mask.any(), f"a document is masked at step {step}"
        assert np.ptp(here.targets.weight.numpy()) == 0, f"pairs differ in weight at step {step}"


def tokens(batch: Mapping[str, Any], column: str) -> list[list[int]]:
    """Token ids of each text of a column of the peer's batch, padding left out."""
    ids, mask = batch[f"{column}_input_ids"], batch[f"{column}_attention_mask"].bool()
    return [row[kept].tolist() for row, kept in zip(ids, mask, strict=True)]


def measure(found: Sides, count: int) -> tuple[dict[str, dict[str, Any]], dict[str, Trained]]:
    """Per side its speed over ``count`` rounds and its last losses; and each side's last run."""
    runs = rounds(found, count)
    figures = {
        name: {"pairs_per_s": spread([run.speed for run in line]), "losses": line[-1].losses, "told": line[-1].told}
        for name, line in runs.items()
    }
    last = {name: line[-1] for name, line in runs.items()}
    reference = np.array(last[PEER].losses)
    for name, figure in figures.items():
        apart = 100 * np.abs(np.array(last[name].losses) - reference) / reference
        figure["curve_apart_percent"] = {"largest": float(apart.max()), "mean": float(apart.mean())}
        ratios = [a.speed / b.speed for a, b in zip(runs[OURS], runs[name], strict=True)]
        figure["ours_over_this"] = {"of_medians": ratio(figures, name), "rounds": ratios}
    return figures, last


def ratio(figures: Mapping[str, Any], name: str) -> float:
    """Our pairs per second over those of a side, both medians."""
    return figures[OURS]["pairs_per_s"]["median"] / figures[name]["pairs_per_s"]["median"]


def checks(figures: Mapping[str, Any], title: str, asked: tuple[float, float]) -> list[Check]:
    """Our speed over the peer's in fp32 and in bf16."""
    made = [Check(f"{title}: ours, {own_precision()}, over peer, fp32", ratio(figures, PEER), asked[0])]
    figure = ratio(figures, PEER_BF16) if PEER_BF16 in figures else None
    return [*made, against_bf16(f"{title}: ours, {own_precision()}, over peer, bf16", figure, asked[1])]


def curve_check(figures: Mapping[str, Any], title: str) -> Check:
    """The largest distance of a step's loss to the peer's."""
    return Check(f"{title}: loss curve, largest % apart", figures[OURS]["curve_apart_percent"]["largest"], 1, True)


def report(
    chosen: argparse.Namespace,
    figures: dict,
    last: Mapping[str, Trained],
    checks: list[Check],
    domain: Domain,
    equal: bool,
) -> None:
    """Measure quality where it is asked for, judge, and write all figures.

    Args:
        equal: both sides did the same, so that ours may not be better either.
    """
    script, scores = "equal_work" if equal else "defaults", {}
    if chosen.quality:
        scores = qualities(last, domain)
        for name, score in scores.items():
            CONSOLE.print(f"Dev nDCG@10 over the full corpus after {chosen.steps} steps: {name} {score:.4f}")
        checks = [*checks, quality_check(scores, title(chosen, equal), equal)]
    judge(checks)
    told = {name: getattr(chosen, name) for name in ("steps", "pairs", "negatives", "seed")}
    parts = [script, *([f"negatives{chosen.negatives}"] if chosen.negatives else []), *(["quality"] * chosen.quality)]
    write(told | {"sides": figures, "dev_ndcg@10": scores}, checks, chosen.out, "_".join(parts))


def title(chosen: argparse.Namespace, equal: bool) -> str:
    """What is compared."""
    head = "Equal work" if equal else "Defaults"
    negatives = f", {chosen.negatives} hard negatives" if chosen.negatives else ""
    return head + negatives + (f", {chosen.steps} steps" if chosen.quality else "")


def quality_check(scores: Mapping[str, float], title: str, equal: bool) -> Check:
    """How far our dev nDCG@10 is below the peer's; with ``equal`` also above."""
    apart = scores[PEER] - scores[OURS]
    name = f"{title}: dev nDCG@10, {'apart' if equal else 'peer less ours'}"
    return Check(name, abs(apart) if equal else apart, 0.005, at_most=True)


def show(figures: Mapping[str, Any], last: Mapping[str, Trained], title: str, curves: bool) -> None:
    """Speeds; with ``curves`` each step's loss and how far it is from the peer's."""
    run = last[PEER]
    speeds = table(
        f"{title}: {run.steps} steps of {run.size} pairs, the first {run.warm} left out on both sides",
        ["side", "pairs/s (rounds)", "ours / this", "first loss", "last loss", "curve apart, largest (mean)"],
    )
    for name, figure in figures.items():
        apart = figure["curve_apart_percent"]
        far = f"{apart['largest']:.3f} % ({apart['mean']:.3f} %)" if curves else "-"
        losses = figure["losses"]
        cells = f"{figure['ours_over_this']['of_medians']:.2f}", f"{losses[0]:.4f}", f"{losses[-1]:.4f}", far
        speeds.add_row(_label(name), cell(figure["pairs_per_s"]), *cells)
    CONSOLE.print(speeds)
    if curves:
        _show_curves(figures)


def _label(name: str) -> str:
    if name == OURS:
        return f"{name} ({own_precision()})"
    return f"{name} (emulated)" if name == PEER_BF16 and not bf16_units() else name


def _show_curves(figures: Mapping[str, Any]) -> None:
    curves = table("Loss of each step (difference to the peer's in fp32)", ["step", *map(_label, figures)])
    reference = figures[PEER]["losses"]
    for step, other in enumerate(reference):
        values = [figure["losses"][step] for figure in figures.values()]
        curves.add_row(str(step + 1), *(f"{v:.4f} ({100 * (v - other) / other:+.3f} %)" for v in values))
    CONSOLE.print(curves)


def qualities(last: Mapping[str, Trained], domain: Domain) -> dict[str, float]:
    """Dev nDCG@10 over the full corpus by side, all embedded by the same encoder."""
    return {name: quality(domain, _encoder(run.model)) for name, run in last.items()}


def _encoder(model: Any) -> Encoder:
    if not isinstance(model, SentenceTransformer):
        return model
    with TemporaryDirectory() as folder:
        model.save(folder)
        return Encoder.load(folder)


def warm_note() -> str:
    """What a reader must know of the speeds."""
    return (
        "The peer tokenises within its steps; ours tokenises before them, and its speed holds their share of that. "
        "That freed memory stays with the process (shoptalk.system.set_threads) speeds up both sides."
    )
