"""Candidates of the base model, kept only where a cross-encoder finds them unlikely to be relevant.

RocketQA (Qu et al. 2021, section 3.3) keeps candidates below a probability of 0.1.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.hard_cases import HardCases, Watched
from shoptalk.negatives.mined import Mine, Mined, Relevance
from shoptalk.negatives.selection import Candidates, turns
from shoptalk.negatives.strategies import Ann


class Denoised(Ann):
    """``Ann``'s candidates without those a calibrated teacher takes for relevant.

    Candidates are judged in waves, in the order they would be picked, and a pair that has enough
    sees no further wave: what is never needed is never scored.

    Args:
        max_probability: a candidate is kept when its calibrated probability lies below; in (0, 1).
        wave: candidates judged per pair at a time.
        hard_cases: options of ``HardCases`` where a person is to judge some candidates, else ``None``.
        mining: the arguments of ``Mining``.
    """

    name = "denoised"

    def __init__(
        self,
        max_probability: float = 0.1,
        wave: int = 4,
        hard_cases: Mapping[str, float] | None = None,
        **mining,
    ):
        super().__init__(**mining)
        if not 0 < max_probability < 1:
            raise InputError(f"negatives.max_probability={max_probability} must lie between 0 and 1.")
        if wave < 1:
            raise InputError(f"negatives.wave={wave} must be at least 1.")
        self.max_probability, self.wave = max_probability, wave
        self.hard_cases = None if hard_cases is None else HardCases.of(hard_cases)
        self.window = (self.knobs.low, self.knobs.high)

    def mine(self, ask: Mine) -> Mined:
        """The hardest candidates that pass every filter and the teacher, and the hard cases among all judged."""
        if self.hard_cases is None or ask.relevance is None:
            return super().mine(ask)
        watched = Watched(ask.relevance)
        mined = super().mine(replace(ask, relevance=watched))
        cases = self.hard_cases.sample(watched.said(), ask.corpus, ask.seed)
        return replace(mined, hard_cases=cases, notices=[*mined.notices, self.hard_cases.notice(cases)])

    def candidates(self, ask: Mine) -> Candidates:
        """Those free that pass every filter and the teacher, as many as are needed."""
        if ask.relevance is None:
            raise InputError("negatives=denoised needs a teacher; choose teacher=own or teacher=hub.")
        found = super().candidates(ask)
        probabilities = self._judged(ask, ask.relevance, found)
        judged = ~np.isnan(probabilities)
        clean = judged & (probabilities < self.max_probability)
        count, lost = int(judged.sum()), int((judged & ~clean).sum())
        said = f"The teacher judged {count:,} candidates and dropped {lost:,} as likely relevant."
        dropped, notices = {**found.dropped, "teacher": lost}, [*found.notices, said]
        return replace(found, free=clean, probabilities=probabilities, dropped=dropped, notices=notices)

    def _judged(self, ask: Mine, relevance: Relevance, found: Candidates) -> np.ndarray:
        """Float32 [n, k]: the probability of every candidate looked at, NaN for the others."""
        queries, doc_ids = ask.pairs["query"].to_list(), ask.pairs["doc_id"].to_list()
        probabilities = np.full(found.free.shape, np.nan, np.float32)
        order = turns(found, self.knobs.pick)
        left = found.free.sum(axis=1)
        clean = np.zeros(len(queries), np.int64)
        for start in range(0, found.free.shape[1], self.wave):
            short = np.flatnonzero((clean < self.knobs.keep) & (left > start))
            if not len(short):
                break
            columns = order[short, start : start + self.wave]
            free = np.take_along_axis(found.free[short], columns, axis=1)
            rows = np.where(free, np.take_along_axis(found.ranked.rows[short], columns, axis=1), -1)
            judged = relevance([queries[i] for i in short], [doc_ids[i] for i in short], rows)
            if np.isnan(judged[rows >= 0]).any():
                raise InputError("The teacher gave scores that are not a number; choose another teacher.")
            probabilities[short[:, None], columns] = np.where(rows >= 0, judged, np.nan)
            clean[short] += ((judged < self.max_probability) & (rows >= 0)).sum(axis=1)
        return probabilities
