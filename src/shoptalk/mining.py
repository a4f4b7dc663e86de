"""Negatives for every distinct pair of a run, with the teacher where the strategy or the loss asks for one."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from shoptalk.cache import digest
from shoptalk.domain.corpus import Corpus
from shoptalk.embedding import CachedEmbed, CachedTokens, once
from shoptalk.errors import InputError
from shoptalk.frame import Run
from shoptalk.negatives.judging import Calibrated
from shoptalk.negatives.mined import Mine, Mined
from shoptalk.negatives.refreshed import Refreshed
from shoptalk.negatives.teacher import TeacherAsk
from shoptalk.preparing import Gathered, negatives_of, with_given, with_pseudo_positives
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.cached import CachedSearch
from shoptalk.retrieval.dense import Dense
from shoptalk.retrieval.index.built import VERSION
from shoptalk.training.ranks import embedded

CALIBRATED_ON = (0, 50)
"""Ranks of the base model that a teacher is calibrated on where no strategy names the ranks it must judge."""


def retrievers(
    cfg: DictConfig, run: Run, embed: CachedEmbed, corpus: Corpus
) -> tuple[CachedSearch, CachedSearch, CachedSearch]:
    """BM25, the base model searched exactly, and the base model searched by ``cfg.index``.

    What is measured is searched exactly; the last is for mining alone.
    """
    vectors, content = embed(corpus.passages, "document"), embed.key(corpus.passages, "document")
    index = digest("index", VERSION, content, OmegaConf.to_container(cfg.index, resolve=True))

    def near() -> Dense:
        return Dense(embed, vectors, instantiate(cfg.index).over(vectors, run.cache))

    def words() -> BM25:
        return BM25.cached(run.cache, corpus.passages, corpus.digest, threads=run.threads)

    return (
        CachedSearch(words, BM25.key(corpus.digest), run.cache),
        CachedSearch(lambda: Dense(embed, vectors), content, run.cache),
        CachedSearch(near, index, run.cache),
    )


class Mining:
    """How a run mines: before training, and again with the weights in training where the strategy asks for that.

    Args:
        base: the base model.
        distil: add a column ``teacher``: the teacher's logits of the positive and then of each negative.

    Attributes:
        found: what the run trains on: that of the sources, and pseudo-positives where those are asked for.
    """

    def __init__(
        self,
        cfg: DictConfig,
        run: Run,
        found: Gathered,
        base: object,
        dense: CachedSearch,
        bm25: CachedSearch,
        distil: bool = False,
    ):
        self.strategy, self.distil = instantiate(cfg.negatives), distil
        ask = Mine(
            pairs=found.distinct(),
            corpus=found.domain.corpus,
            known=found.known,
            dense=dense,
            bm25=bm25,
            seed=cfg.seed,
            cache=run.cache,
            calibration=found.domain.splits.get("calibration"),
        )
        pseudo = instantiate(cfg.pseudo_positives)
        window = self.strategy.window or (CALIBRATED_ON if distil or pseudo.wanted else None)
        ask = ask if window is None else replace(ask, relevance=_teacher(cfg, run, found, base, ask, window))
        if pseudo.wanted:
            found = with_pseudo_positives(found, pseudo, ask)
            ask = replace(ask, pairs=found.distinct(), known=found.known)
        self.found, self.ask = found, ask

    @property
    def per_pair(self) -> int:
        """How many negatives go into a batch with each pair."""
        return max(self.strategy.per_pair, int(self.found.given.height > 0))

    def mine(self) -> Mined:
        """The negatives of every distinct pair, the user's own in front."""
        mined, teacher = self._mined(self.ask), self.ask.relevance
        notices = [*self.ask.dense.notices, *getattr(teacher, "notices", ()), *mined.notices]
        return replace(mined, notices=notices, teacher=getattr(teacher, "told", {}))

    def refreshing(self, tokens: CachedTokens) -> "Refresh | None":
        """Mines again; ``None`` where the first negatives are to stay."""
        return Refresh(self, tokens) if isinstance(self.strategy, Refreshed) else None

    def _mined(self, ask: Mine) -> Mined:
        mined = self.strategy.mine(ask)
        table = with_given(mined.table, self.found.given, ask.known)
        return replace(mined, table=_judged(table, ask) if self.distil else table)


class Refresh:
    """The ``Remine`` of ``training.refreshing``."""

    def __init__(self, mining: Mining, tokens: CachedTokens):
        self.mining, self.every, self.tokens = mining, mining.strategy.steps, tokens

    def __call__(self, encoder: Any, pairs: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
        """Negatives of rows ``pairs`` of the run's pairs, found with ``encoder`` as it stands."""
        ask, asked = self.mining.ask, self.mining.found.pairs[pairs]
        ids = self.tokens(ask.corpus.passages, "document")
        vectors = embedded(encoder.embed_ids, ids, encoder.prompt_length("document"))
        distinct = asked.unique(["query", "doc_id"], keep="first", maintain_order=True)
        ask = replace(ask, pairs=distinct, dense=Dense(once(encoder.embed), vectors))
        return negatives_of(asked, self.mining._mined(ask).table, ask.corpus)


def _judged(table: pl.DataFrame, ask: Mine) -> pl.DataFrame:
    """``table`` with the teacher's logits of what each pair trains on."""
    if not isinstance(ask.relevance, Calibrated):
        raise InputError("The loss learns from a teacher's scores: choose teacher=own or teacher=hub.")
    if not table["negatives"].list.len().sum():
        raise InputError("The loss learns from a teacher's scores of mined negatives, and there are none: choose "
                         "another strategy than negatives=in_batch, or looser limits.")  # fmt: skip
    index = ask.corpus.index
    rows = [[index[p], *(index[d] for d in n)] for p, n in table.select("doc_id", "negatives").iter_rows()]
    wide = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int64)
    for line, row in enumerate(rows):
        wide[line, : len(row)] = row
    logits = ask.relevance.scores(table["query"].to_list(), wide)
    told = [line[: len(row)].tolist() for line, row in zip(logits, rows, strict=True)]
    return table.with_columns(teacher=pl.Series(told, dtype=pl.List(pl.Float32)))


def _teacher(cfg: DictConfig, run: Run, found: Gathered, base: object, ask: Mine, window: tuple[int, int]):
    teacher = instantiate(cfg.teacher)
    return teacher.relevance(
        TeacherAsk(
            pairs=found.pairs,
            corpus=ask.corpus,
            known=ask.known,
            dense=ask.dense,
            encoder=base,
            window=window,
            cache=run.cache,
            seed=cfg.seed,
            threads=run.threads,
            calibration=ask.calibration,
            dev=found.domain.splits.get("dev"),
            progress=run.stages.bar,
        )
    )
