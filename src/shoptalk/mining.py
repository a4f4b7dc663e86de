"""Negatives for every distinct pair of a run, with the teacher where the strategy asks for one."""

from dataclasses import replace

from hydra.utils import instantiate
from omegaconf import DictConfig

from shoptalk.negatives.mined import Mine, Mined
from shoptalk.preparing import Gathered, with_given
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.run import Run


def mine(cfg: DictConfig, run: Run, found: Gathered, dense: Dense, bm25: BM25) -> tuple[Mined, int]:
    """The negatives, the user's own in front, and how many go into a batch with each pair."""
    domain = found.domain
    strategy = instantiate(cfg.negatives)
    ask = Mine(
        pairs=found.distinct(),
        corpus=domain.corpus,
        known=found.known,
        dense=dense,
        bm25=bm25,
        seed=cfg.seed,
        cache=run.cache,
        calibration=domain.splits.get("calibration"),
    )
    mined = strategy.mine(ask)
    given = with_given(mined.table, found.given, ask.known)
    return replace(mined, table=given), max(strategy.per_pair, 1 if found.given.height else 0)
