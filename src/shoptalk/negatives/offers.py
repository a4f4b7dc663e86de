"""What a strategy has to offer, alone or inside another, and the result it becomes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.fallbacks import Fallback
from shoptalk.negatives.mined import Mine, Mined
from shoptalk.negatives.places import FILLED, as_table


@dataclass(frozen=True)
class Offer:
    """What a strategy has for every pair before a shortage is filled.

    ``places`` PLACE [n, keep] stand in the order picked, empty ones behind; the rest is as in ``Mined``.
    ``judged`` tells whether a teacher looked at candidates.
    """

    places: np.ndarray
    seen: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    notices: Sequence[str] = ()
    positive_scores: np.ndarray | None = None
    judged: bool = False


def finished(ask: Mine, offer: Offer, fallback: Fallback | None = None) -> Mined:
    """The table of an offer whose shortages were seen to."""
    return Mined(
        table=as_table(ask.pairs, ask.corpus, offer.places, offer.judged),
        dropped=dict(offer.dropped),
        notices=list(offer.notices),
        filled=int((offer.places["miner"] == FILLED).sum()),
        seen=offer.seen,
        fallback=fallback.name if fallback else "none",
        positive_scores=offer.positive_scores,
    )


def together(places: np.ndarray, offers: Sequence[Offer], notices: Sequence[str]) -> Offer:
    """``places`` taken from several offers, their counts summed by filter.

    Scores of the positives stand only where all who have some agree: BM25's and cosines cannot be mixed.
    """
    dropped: dict[str, int] = {}
    for offer in offers:
        for name, count in offer.dropped.items():
            dropped[name] = dropped.get(name, 0) + count
    told = [offer.positive_scores for offer in offers if offer.positive_scores is not None]
    agreed = told and all(np.array_equal(scores, told[0], equal_nan=True) for scores in told)
    seen, judged = sum(offer.seen for offer in offers), any(offer.judged for offer in offers)
    return Offer(places, seen, dropped, notices, told[0] if agreed else None, judged)


def inner(strategy: Callable, keep: int, where: str) -> object:
    """A strategy inside another, built to pick ``keep``; how many and what fills a shortage is for the outer to say.

    Args:
        strategy: a strategy's class, or a partial of it.
        where: its option on the command line.

    Raises:
        InputError: it says itself what the outer says, or cannot stand inside another.
    """
    if not callable(strategy):
        raise InputError(f"{where} needs _partial_: true, since keep and fallback are set outside of it.")
    given = sorted({"keep", "per_pair", "fallback"} & set(getattr(strategy, "keywords", {})))
    if given:
        raise InputError(f"{where}.{given[0]} has no say here: set negatives.{given[0]}.")
    kind = getattr(strategy, "func", strategy)
    if not hasattr(kind, "offer"):
        raise InputError(f"{where}: {kind.__name__} cannot stand inside another strategy; take Ann, Bm25 or Random.")
    made = strategy(keep=keep)
    if getattr(made, "hard_cases", None) is not None:
        raise InputError(f"{where}.hard_cases: only negatives=denoised gives cases to a person; leave it null.")
    return made
