"""Negatives for every distinct pair of a run, with the teacher where the strategy or the loss asks for one."""

from dataclasses import replace

import numpy as np
import polars as pl
from hydra.utils import instantiate
from omegaconf import DictConfig

from shoptalk.errors import InputError
from shoptalk.negatives.mined import Mine, Mined
from shoptalk.negatives.scoring import Calibrated
from shoptalk.negatives.teacher import TeacherAsk
from shoptalk.preparing import Gathered, with_given
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.run import Run

CALIBRATED_ON = (0, 50)
"""Ranks of the base model that a teacher is calibrated on where no strategy names the ranks it must judge."""


def mine(
    cfg: DictConfig, run: Run, found: Gathered, base: object, dense: Dense, bm25: BM25, distil: bool = False
) -> tuple[Mined, int]:
    """The negatives, the user's own in front, and how many go into a batch with each pair.

    Args:
        distil: add a column ``teacher``: the teacher's logits of the positive and then of each negative.
    """
    strategy = instantiate(cfg.negatives)
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
    window = strategy.window or (CALIBRATED_ON if distil else None)
    if window is not None:
        ask = replace(ask, relevance=_teacher(cfg, run, found, base, ask, window))
    mined = strategy.mine(ask)
    told = getattr(ask.relevance, "notices", ())
    table = with_given(mined.table, found.given, ask.known)
    if distil:
        table = _judged(table, ask)
    return replace(mined, table=table, notices=[*dense.notices, *told, *mined.notices]), max(
        strategy.per_pair, int(found.given.height > 0)
    )


def _judged(table: pl.DataFrame, ask: Mine) -> pl.DataFrame:
    """``table`` with the teacher's logits of what each pair trains on."""
    if not isinstance(ask.relevance, Calibrated):
        raise InputError("The loss learns from a teacher's scores: choose teacher=own or teacher=hub.")
    if not table["negatives"].list.len().sum():
        raise InputError("The loss learns from a teacher's scores of mined negatives: choose another strategy than "
                         "negatives=in_batch.")  # fmt: skip
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
            progress=run.stages.bar,
        )
    )
