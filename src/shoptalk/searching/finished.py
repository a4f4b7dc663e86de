"""What a finished run left that can be searched with."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.domain.restrict import restrict
from shoptalk.embedding import CachedEmbed
from shoptalk.errors import finished_run
from shoptalk.retrieval.dense import Dense

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


class Finished:
    """The folder of a finished run.

    Attributes:
        cfg: its options, resolved.

    Raises:
        InputError: it holds no options or no model.
    """

    def __init__(self, folder: str | Path):
        self.folder = finished_run("run", folder, ("config.yaml", "model"))
        self.cfg: DictConfig = OmegaConf.load(self.folder / "config.yaml")

    @property
    def stamp(self) -> list[object]:
        """The folder, and when its model was written."""
        times = [file.stat().st_mtime_ns for file in (self.folder / "model").rglob("*") if file.is_file()]
        return [str(self.folder.resolve()), max(times, default=0)]

    def domain(self, cache: Cache) -> Domain:
        """The domain that it was measured on, without documents that sources brought."""
        domain = instantiate(self.cfg.domain).load(cache)
        limit = self.cfg.trainer.documents
        return domain if limit is None else restrict(domain, limit)

    def base(self) -> Any:
        """The encoder it began with."""
        return instantiate(self.cfg.model).to(device())

    def adapted(self) -> Any:
        """The encoder it left."""
        return instantiate(self.cfg.model, name=str(self.folder / "model"), revision=None).to(device())

    def changes(self) -> dict[str, float]:
        """Query of dev to the adapted model's nDCG@10 less the base model's; empty where that was not kept."""
        path = self.folder / "per_query.parquet"
        if not path.is_file():
            return {}
        dev = pl.read_parquet(path).filter(pl.col("split") == "dev")
        base, adapted = (
            dev.filter(pl.col("arm") == arm).select("query_id", "query", "ndcg@10") for arm in ("zero_shot", "adapted")
        )
        both = adapted.join(base, on="query_id", maintain_order="left")
        return dict(both.select("query", pl.col("ndcg@10") - pl.col("ndcg@10_right")).iter_rows())


def device() -> str:
    """Where models work."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def dense(encoder: Any, corpus: Corpus, cache: Cache, threads: int, bar: Bar | None = None) -> Dense:
    """A search with ``encoder``, whose vectors of the corpus come from the cache; those of queries are not kept."""
    return Dense(encoder.embed, CachedEmbed(encoder, cache, threads, bar)(corpus.passages, "document"))
