"""Are the teacher's probabilities of relevance to be trusted?

The teacher of the default run (teacher=own, cross-fitted over the pairs of clicks and synthetic queries) judges the
candidates of the embedded domain's 100 calibration queries, which it never saw: ranks [negatives.low, negatives.high)
of the base model, the documents that denoising judges. Every way to calibrate is fitted on four fifths of the queries
and measured on the last, five times. Further arguments are options of train.py.

    python benchmarks/negatives/calibration.py [--audit 0] [--out FOLDER] [--cache FOLDER] [teacher=hub ...]

Asked of the chosen calibration (option calibration, in_context by default): AUC at least .9, Brier skill over the
base rate at least .3, expected calibration error (ECE) at most .05 over ten bins of equal weight. Intervals: the 95 %
percentile bootstrap over queries, the calibration left as it was. --audit N also measures it on N audit queries,
which narrows them; it is for this benchmark and steers nothing.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig

from shoptalk.cache import Cache
from shoptalk.configs import register, root
from shoptalk.domain.judgments import Domain
from shoptalk.embedding import CachedEmbed
from shoptalk.negatives.calibration import InContext, Isotonic, Platt, Temperature
from shoptalk.negatives.judging import Calibrated, of_windows
from shoptalk.negatives.quality import Evidence, Quality, out_of_fold
from shoptalk.negatives.teacher import TeacherAsk, no_bar
from shoptalk.negatives.windows import judged_windows
from shoptalk.preparing import gather
from shoptalk.retrieval.dense import Dense
from shoptalk.simulated import simulated_log
from shoptalk.sources.pairs import Ground
from shoptalk.system import set_threads

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from common import CONSOLE, Check, judge, table, write

KINDS = (InContext(), Platt(), Temperature(), Isotonic())
ASKED = {"auc": 0.9, "brier_skill": 0.3, "ece": 0.05}
SHOWN = ("auc", "log_loss", "brier", "brier_skill", "ece")
RESAMPLES = 1000


def config(overrides: Sequence[str]) -> DictConfig:
    """``conf/train.yaml``; a benchmark has no folder for a run."""
    register()
    with initialize_config_dir(str(root() / "conf"), version_base="1.3"):
        return compose("train", overrides=["run.name=benchmark", "run.progress=false", *overrides])


def asked(cfg: DictConfig, cache: Cache, threads: int) -> tuple[TeacherAsk, Domain]:
    """What a run hands its teacher, dev included."""
    domain, base = instantiate(cfg.domain).load(cache), instantiate(cfg.model)
    embed = CachedEmbed(base, cache, threads)
    simulated = simulated_log(domain, cache, threads, no_bar) if domain.intents else None
    sources = {name: instantiate(node) for name, node in cfg.data.sources.items()}
    found = gather(sources, Ground(domain, embed, cache, cfg.seed, simulated.log if simulated else None))
    domain = found.domain
    ask = TeacherAsk(
        pairs=found.pairs,
        corpus=domain.corpus,
        known=found.known,
        dense=Dense(embed, embed(domain.corpus.passages, "document")),
        encoder=base,
        window=instantiate(cfg.negatives).window,
        cache=cache,
        seed=cfg.seed,
        threads=threads,
        calibration=domain.splits.get("calibration"),
        dev=domain.splits.get("dev"),
    )
    return ask, domain


def measured(evidence: Evidence, probabilities: np.ndarray, resamples: int = RESAMPLES) -> dict[str, object]:
    """Quality, and the interval of each measure over resampled queries."""
    names, query = np.unique(np.array(evidence.queries, dtype=object), return_inverse=True)
    lines = [np.flatnonzero(query == number) for number in range(len(names))]
    random, draws = np.random.default_rng(0), []
    while len(draws) < resamples:
        rows = np.concatenate([lines[number] for number in random.integers(0, len(names), len(names))])
        if 0 < evidence.labels[rows].sum() < len(rows):
            draws.append(Quality.of(evidence.at(rows), probabilities[rows]))
    low, high = np.percentile([[getattr(one, name) for name in SHOWN] for one in draws], [2.5, 97.5], axis=0)
    told = Quality.of(evidence, probabilities).told()
    return told | {"ci95": {name: [float(a), float(b)] for name, a, b in zip(SHOWN, low, high, strict=True)}}


def kinds(evidence: Evidence) -> dict[str, dict[str, object]]:
    """Every way to calibrate, out of fold; those that need it only where the evidence has its context."""
    able = [kind for kind in KINDS if evidence.context is not None or not kind.in_context]
    found = {type(kind).__name__: out_of_fold(evidence, kind) for kind in able}
    return {name: measured(evidence, p) for name, p in found.items() if p is not None}


def audited(relevance: Calibrated, ask: TeacherAsk, domain: Domain, queries: int) -> dict[str, object]:
    """The calibration as denoising uses it, on queries that nothing was fitted on."""
    windows = judged_windows(domain.splits["audit"], ask.corpus, ask.dense, ask.window, queries)
    evidence = of_windows(relevance.scores, windows, relevance.context)
    return measured(evidence, relevance.curve(*evidence.inputs)) | {"queries": len(windows.queries)}


def checks(figures: dict, where: str) -> list[Check]:
    """The three figures that are asked for."""
    return [
        Check(f"{name}, {where}", figures[name], bound, at_most=name == "ece", note=_within(figures, name))
        for name, bound in ASKED.items()
    ]


def show(title: str, rows: dict[str, dict]) -> None:
    """A line per calibration."""
    shown = table(title, ["calibration", *SHOWN])
    for name, figures in rows.items():
        shown.add_row(name, *(f"{figures[key]:.4f} {_within(figures, key)}" for key in SHOWN))
    CONSOLE.print(shown)


def _within(figures: dict, name: str) -> str:
    low, high = figures["ci95"][name]
    return f"[{low:.3f}, {high:.3f}]"


def main(chosen: argparse.Namespace) -> None:
    """Judge, measure, print, write."""
    cfg = config(chosen.overrides)
    ask, domain = asked(cfg, Cache(chosen.cache), set_threads(cfg.threads))
    relevance = instantiate(cfg.teacher).relevance(ask)
    for notice in relevance.notices:
        CONSOLE.print(f"[dim]{notice}[/]")
    found = kinds(relevance.evidence)
    show(f"Out of fold, {relevance.told['queries']} queries, {relevance.told['relevant']} relevant", found)
    used = relevance.told["calibration"]
    asks = checks(found[used], used)
    if chosen.audit:
        found["audit"] = audited(relevance, ask, domain, chosen.audit)
        show(f"Fitted on the calibration queries, on {found['audit']['queries']} audit queries", {used: found["audit"]})
        asks += checks(found["audit"], "audit")
    judge(asks)
    write({"teacher": dict(relevance.told), "calibrations": found}, asks, chosen.out, "calibration")


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--audit", type=int, default=0, help="audit queries to measure on as well (0)")
    out = root() / "outputs" / "benchmarks" / "negatives"
    made.add_argument("--out", type=Path, default=out, help="folder of the figures (outputs/benchmarks/negatives)")
    cache = root() / "outputs" / "cache"
    made.add_argument("--cache", type=Path, default=cache, help="of what was read and judged (outputs/cache)")
    made.add_argument("overrides", nargs="*", help="options of train.py")
    return made


if __name__ == "__main__":
    main(parser().parse_args())
