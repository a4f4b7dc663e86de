"""Any number of retrievers on one domain: measured on dev, the best chosen, test read for it and the baseline alone."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from shoptalk.arms.base import Arm, Bench
from shoptalk.cache import Cache
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.efficiency.budget import Budget
from shoptalk.efficiency.options import Efficiency
from shoptalk.errors import InputError
from shoptalk.evaluating import figures
from shoptalk.evaluating.choosing import choose
from shoptalk.evaluating.measuring import Measured, Measuring, shortlisted
from shoptalk.evaluating.naming import named
from shoptalk.reporting.evaluation import table as shown
from shoptalk.reporting.pages.evaluation import report_of_evaluation
from shoptalk.reporting.progress import Stages
from shoptalk.retrieval.metrics import DEPTH
from shoptalk.system import set_threads

CONTENT, PER_QUERY, RANKED = "evaluation.json", "per_query.parquet", "ranked.parquet"
CONFIG, REPORT = "config.yaml", "report.html"


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Attributes:
        content: that of ``evaluation.json``.
        per_query: as ``comparing.judge`` makes it; on test the winner and the baseline alone, where there is dev.
        folder: where all of it lies.
    """

    content: dict[str, Any]
    per_query: pl.DataFrame
    folder: Path


def evaluate(cfg: DictConfig, console: Console) -> Evaluation:
    """Measure what ``cfg.models`` names and leave the figures in ``cfg.out``.

    Raises:
        InputError: a retriever cannot be had, there is nothing to measure on, or nothing meets the budget, which is
            known once all is measured and left.
    """
    began, options = time.perf_counter(), OmegaConf.to_container(cfg, resolve=True)
    folder = _free(options["out"])
    arms = named(options["models"], options["domain"])
    baseline = _baseline(arms, options["models"], options["baseline"])
    threads, cache = set_threads(cfg.threads), Cache(cfg.cache.root, cfg.cache.max_bytes)
    domain: Domain = instantiate(cfg.domain).load(cache)
    first = _first_split(domain)
    bar = Stages((), console).bar
    bench = Bench(domain.corpus, cache, threads, bar, _device(cfg.device), lambda line: _say(console, line))
    splits = {name: domain.splits[name] for name in _measured(domain, first, cfg.evaluation.audit)}
    bench.say(f"{domain.name}: {len(domain.corpus):,} documents, {_counted(splits)}.")
    budget: Budget = instantiate(cfg.budget)
    efficiency: Efficiency = instantiate(cfg.efficiency).asked(budget)
    arms, left_out = shortlisted(arms, budget, efficiency, baseline)
    for name, why in left_out.items():
        bench.say(f"  {name} is left out before it is read: {why}")

    measuring = Measuring(bench, efficiency, domain.splits[first].texts)
    found = measuring.all(arms, splits)
    _check_overlap(found.per_query, first)
    choice = choose(found.per_query, first, found.costs, budget)
    if first == "dev" and "test" in domain.splits and choice.winner:
        last = measuring.some(arms, {choice.winner, baseline}, {"test": domain.splits["test"]})
        found = found.with_last(last)
    told = figures.content(domain, found, baseline, choice, first, left_out)
    told |= {"threads": threads, "seconds": {"total": time.perf_counter() - began}}
    leave(folder, told, found, {**options, "threads": threads})
    shown.show(told, console)
    console.print(f"[dim]{folder / REPORT}[/]")
    if choice.winner is None:
        raise InputError(choice.missed)
    return Evaluation(told, found.per_query, folder)


def leave(folder: Path, told: Mapping[str, Any], found: Measured, options: Mapping[str, Any]) -> None:
    """Write what was found.

    Raises:
        InputError: the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(OmegaConf.create(dict(options)), folder / CONFIG)
        found.per_query.write_parquet(folder / PER_QUERY)
        found.ranked.write_parquet(folder / RANKED)
        (folder / CONTENT).write_text(json.dumps(told, indent=1) + "\n")
        page = report_of_evaluation(told, found.per_query, found.ranked, options)
        (folder / REPORT).write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"out={folder} cannot be written ({error.strerror or error}); give another folder.") from error


def _free(out: str) -> Path:
    """The folder for what is found; whether it can be written is looked at before hours are spent."""
    folder = Path(out)
    if (folder / CONTENT).exists():
        raise InputError(f"out={out} holds an evaluation already; give another folder, or move that one away.")
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"out={out} cannot be written; give another folder.")
    return folder


def _baseline(arms: Sequence[Arm], models: Any, asked: str | None) -> str:
    """The baseline's name in tables; it may be asked for as ``models`` spells it."""
    names = [arm.name for arm in arms]
    if asked is None:
        return names[0]
    spelled = dict(zip([str(given) for given in ([models] if isinstance(models, str) else models)], names, strict=True))
    if asked not in names and asked not in spelled:
        raise InputError(f"baseline={asked} is none of the retrievers compared, which are {', '.join(names)}.")
    return asked if asked in names else spelled[asked]


def _first_split(domain: Domain) -> str:
    """Where all arms are measured."""
    for name in ("dev", "test"):
        if name in domain.splits:
            return name
    raise InputError(f"domain {domain.name} has neither dev nor test queries, so that nothing can be measured; add "
                     "judged queries.")  # fmt: skip


def _measured(domain: Domain, first: str, audit: bool) -> list[str]:
    if audit and "audit" not in domain.splits:
        raise InputError(f"evaluation.audit=true, but domain {domain.name} has no audit split; leave it out.")
    return [first, *(["audit"] if audit else [])]


def _check_overlap(table: pl.DataFrame, split: str) -> None:
    if len(figures.blind(table, split)) == table["arm"].n_unique():
        raise InputError(f"No retriever finds a judged document for any query of {split} among {DEPTH} results: see "
                         "that the judgments belong to these queries and documents.")  # fmt: skip


def _device(asked: str | None) -> str:
    import torch

    there = torch.cuda.is_available()
    if asked not in (None, "cpu", "cuda") or (asked == "cuda" and not there):
        raise InputError(f"device={asked} is not there; give cpu{' or cuda' if there else ''}, or null.")
    return asked or ("cuda" if there else "cpu")


def _counted(splits: Mapping[str, Judged]) -> str:
    return ", ".join(f"{len(judged):,} queries of {name}" for name, judged in splits.items())


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False)
