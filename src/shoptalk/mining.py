"""Negatives for every distinct pair of a run, with the teacher where the strategy asks for one."""

from dataclasses import replace

from hydra.utils import instantiate
from omegaconf import DictConfig

from shoptalk.negatives.mined import Mine, Mined
from shoptalk.negatives.teacher import TeacherAsk
from shoptalk.preparing import Gathered, with_given
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.run import Run


def mine(cfg: DictConfig, run: Run, found: Gathered, base: object, dense: Dense, bm25: BM25) -> tuple[Mined, int]:
    """The negatives, the user's own in front, and how many go into a batch with each pair."""
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
    if strategy.window is not None:
        ask = replace(ask, relevance=_teacher(cfg, run, found, base, ask, strategy.window))
    mined = strategy.mine(ask)
    told = getattr(ask.relevance, "notices", ())
    given = with_given(mined.table, found.given, ask.known)
    return replace(mined, table=given, notices=[*told, *mined.notices]), max(
        strategy.per_pair, int(found.given.height > 0)
    )


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
