"""What all miners share: rank, filter, pick, and see to the shortage."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.barred import Barred
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.fallbacks import Fallback, RandomDocuments
from shoptalk.negatives.mined import Mine, Mined
from shoptalk.negatives.offers import Offer, finished
from shoptalk.negatives.picks import Pick, Top
from shoptalk.negatives.selection import Candidates, Knobs, allowed, pick
from shoptalk.retrieval.ranked import Ranked


class Mining:
    """Ranks, filters and picks candidates.

    Args:
        low, high: ranks [low, high) may be negatives, from 0.
        keep: negatives stored per pair.
        per_pair: negatives that go into a batch with each pair; at most ``keep``.
        absolute_margin, relative_margin, positive_share, min_score, max_score: see ``shoptalk.negatives.selection``.
        pick: how the kept are picked among the candidates left, ``Top`` unless given.
        fallback: what fills places that no candidate is left for, ``RandomDocuments`` unless given.
    """

    name = "mining"
    window: tuple[int, int] | None = None

    def __init__(
        self,
        low: int = 0,
        high: int = 30,
        keep: int = 4,
        per_pair: int = 1,
        absolute_margin: float | None = None,
        relative_margin: float | None = None,
        positive_share: float | None = None,
        min_score: float | None = None,
        max_score: float | None = None,
        pick: Pick | None = None,
        fallback: Fallback | None = None,
    ):
        _, self.per_pair = check_counts(keep, per_pair)
        margins = (absolute_margin, relative_margin, positive_share)
        self.knobs = Knobs(low, high, keep, *margins, min_score, max_score, pick or Top())
        self.fallback = fallback or RandomDocuments()

    def ranked(self, ask: Mine) -> tuple[Ranked, np.ndarray, Sequence[str]]:
        """Candidates of every pair, hardest first [n, k], the score of its own document, float32 [n], and notices."""
        raise NotImplementedError

    def mine(self, ask: Mine) -> Mined:
        """What passes every filter, as picked; the fallback sees to the places nothing is left for."""
        offer = self.offer(ask)
        places, notices = self.fallback.fill(ask, offer.places, np.ones(offer.places.shape, bool), self)
        return finished(ask, replace(offer, places=places, notices=[*offer.notices, *notices]), self.fallback)

    def offer(self, ask: Mine) -> Offer:
        """Picked, shortages left."""
        found = self.candidates(ask)
        places = pick(found, self.knobs.keep, self.knobs.pick, self.name)
        seen, judged = int((found.ranked.rows >= 0).sum()), found.probabilities is not None
        return Offer(places, seen, found.dropped, found.notices, found.positive, judged)

    def candidates(self, ask: Mine) -> Candidates:
        """Ranked and filtered, nothing picked yet."""
        keys = pair_keys(ask.pairs["query"], ask.pairs["doc_id"], ask.seed)
        ranked, positive, notices = self.ranked(ask)
        barred = Barred(ask.pairs, ask.corpus, ask.known).mask(ranked.rows)
        free, dropped = allowed(ranked, barred, self.knobs, positive)
        return Candidates(ranked, free, keys, positive, dropped=dropped, notices=notices)

    def further(self, ask: Mine, ranks: int) -> "Mining | None":
        """Itself on the ``ranks`` ranks behind its window, hardest first; ``None`` where the corpus has none."""
        low, size = self.knobs.high, len(ask.corpus)
        if low >= size:
            return None
        behind = copy(self)
        behind.knobs = replace(self.knobs, low=low, high=min(low + ranks, size), pick=Top())
        return behind


def check_counts(keep: int, per_pair: int) -> tuple[int, int]:
    """Both, or an InputError when a batch asks for more than is stored."""
    if not 1 <= per_pair <= keep:
        raise InputError(f"negatives.per_pair={per_pair} must lie between 1 and negatives.keep={keep}.")
    return keep, per_pair
