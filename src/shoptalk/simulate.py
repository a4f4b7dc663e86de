"""A simulated click log for any domain with judgments, its truth apart from it.

python -m shoptalk.simulate domain=phenotypes click_model=cascade shape=ubi out=logs/cascade
"""

import sys

from shoptalk.launch import check, in_sentences

if __name__ == "__main__":
    check("simulate", sys.argv[1:])  # before the imports that take seconds

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from shoptalk.cache import Cache
from shoptalk.configs import root
from shoptalk.errors import InputError
from shoptalk.reporting.progress import Stages
from shoptalk.simulated import logging_rankers, with_intents
from shoptalk.sources.clicks.simulation.made import Made
from shoptalk.sources.clicks.simulation.shapes import Shape
from shoptalk.sources.clicks.simulation.simulate import make
from shoptalk.sources.clicks.simulation.world import World
from shoptalk.system import set_threads

LOG, TRUTH = "log", "truth"


@hydra.main(version_base="1.3", config_path=str(root() / "conf"), config_name="simulate")
def main(cfg: DictConfig) -> None:
    """Simulate one log; what the user did wrong is one sentence and exit code 1."""
    with in_sentences("simulate", cfg, "Stopped; nothing was written."):
        simulate_log(cfg, Console(quiet=not cfg.progress))


def simulate_log(cfg: DictConfig, console: Console) -> list[Path]:
    """The files of the log, in ``out/log``; the truth lies in ``out/truth``, see ``Made.truth``."""
    out, threads = _free(cfg.out), set_threads(cfg.threads)
    world: World = instantiate(cfg.world)
    shape: Shape = instantiate(cfg.shape)
    cache = Cache(cfg.cache.root, cfg.cache.max_bytes)
    domain, notices = with_intents(instantiate(cfg.domain).load(cache), cfg.split)
    rankers = logging_rankers(domain, cache, threads, Stages((), console).bar)
    made = make(domain, rankers, world)
    files = leave(made, shape, out)
    console.print(summary(made, world, files))
    for notice in ("The log is simulated; its searchers are not real.", *domain.notices, *notices):
        console.print(f"[yellow]note:[/] {notice}", highlight=False)
    return files


def leave(made: Made, shape: Shape, out: Path) -> list[Path]:
    """Write log and truth below ``out``, both or neither.

    Raises:
        InputError: the disk refuses.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=out) as work:
            log, truth = Path(work) / LOG, Path(work) / TRUTH
            log.mkdir()
            truth.mkdir()
            names = [path.name for path in shape.write(made, log)]
            made.truth().write_parquet(truth / "truth.parquet")
            os.replace(truth, out / TRUTH)
            os.replace(log, out / LOG)
    except OSError as error:
        raise InputError(f"out={out} cannot be written ({error.strerror or error}); give another folder.") from error
    return [out / LOG / name for name in names]


def summary(made: Made, world: World, files: Sequence[Path]) -> Table:
    """What the log holds, for people."""
    shown, clicked = made.rows >= 0, made.done.clicked
    rates = clicked.sum(axis=0) / shown.sum(axis=0).clip(1)
    answered = [(made.searches.ranker == code).mean() for code in range(len(made.rankers))]
    asked, intents = len(set(made.searches.query.tolist())), len(made.domain.intents)
    bots = f"{made.searches.bot.sum():,} by bots, {made.searches.flagged.sum():,} of them flagged"
    table = Table(title=f"Simulated click log of {made.domain.name}", title_justify="left", show_header=False)
    table.add_row("searches", f"{len(shown):,} ({bots})")
    table.add_row("queries", f"{asked:,} of {intents:,} asked; {_traffic(made, world)}")
    table.add_row("rows", f"{shown.sum():,}; {(~shown.any(axis=1)).sum():,} searches found nothing and leave none")
    table.add_row("clicks", f"{clicked.sum():,}, by {type(world.click_model).__name__}")
    table.add_row("click rate by rank", "  ".join(f"{rate:.3f}" for rate in rates))
    table.add_row("rankers", ", ".join(f"{n} {100 * s:.0f} %" for n, s in zip(made.rankers, answered, strict=True)))
    table.add_row("log", "\n".join(map(str, files)))
    table.add_row("truth", str(files[0].parent.parent / TRUTH / "truth.parquet"))
    return table


def _traffic(made: Made, world: World) -> str:
    if made.domain.traffic:
        return "traffic is the domain's own"
    return "all alike often" if world.zipf is None else f"traffic is Zipf with exponent {world.zipf}"


def _free(out: str | None) -> Path:
    if not out:
        raise InputError("out is not set; give the folder for the simulated log, as in out=logs/simulated.")
    taken = [name for name in (LOG, TRUTH) if (Path(out) / name).exists()]
    if taken:
        raise InputError(f"out={out} holds a folder {taken[0]} already; give another folder, or move that one away.")
    return Path(out)


if __name__ == "__main__":
    main()
