"""Queries judged by a cross-encoder."""

import math

import numpy as np
import polars as pl

from shoptalk.cache import digest, digest_texts
from shoptalk.errors import InputError
from shoptalk.sources.pairs import Ground

_OPTION = "filters.cross_encoder"


class CrossEncoder:
    """Queries to which a cross-encoder does not find their own document relevant.

    As doc2query-- drops queries by an ELECTRA model's relevance (Gospodinov et al. 2023, section 3). Scores are cached.

    Args:
        name: of a sequence-classification model with one output or two, a hub id or a folder.
        logit: the least score that is kept; 0 is a probability of one half, as far as the model is calibrated. A
            model whose one output is a probability already wants that probability here.
        revision, trust_remote_code, max_length: as of ``models.cross_encoder.CrossEncoder.load``.
    """

    reason = "judged irrelevant"
    asks_a_model = True

    def __init__(
        self,
        name: str,
        logit: float = 0.0,
        revision: str | None = None,
        trust_remote_code: bool = False,
        max_length: int | None = None,
    ):
        if isinstance(logit, bool) or not isinstance(logit, int | float) or not math.isfinite(logit):
            raise InputError(f"{_OPTION}.logit={logit} is not possible; give a finite number.")
        self.name, self.logit = name, logit
        self.loading = {"revision": revision, "trust_remote_code": trust_remote_code, "max_length": max_length}

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """Scored below the threshold."""
        from shoptalk.models.cross_encoder import CrossEncoder as Model

        if written.is_empty():
            return np.zeros(0, dtype=bool)
        queries = written["query"].to_list()
        passages = [ground.domain.corpus.passages[row] for row in written["row"]]
        model = Model.load(self.name, option=_OPTION, **self.loading).to(_device())
        key = digest("query scores", model.digest, _arithmetic(), digest_texts(queries), digest_texts(passages))
        with ground.voice.bar(f"judging {len(queries):,} queries") as tell:
            scores = ground.cache.array("query-scores", key, lambda: model.score(queries, passages, progress=tell))
        return np.asarray(scores < self.logit)


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _arithmetic() -> list[object]:
    """What else the last digits of a score depend on."""
    import torch

    from shoptalk.models.precision import preferred_precision

    return [_device(), preferred_precision(_device()), torch.get_num_threads()]
