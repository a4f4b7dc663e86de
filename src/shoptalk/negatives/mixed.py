"""Several strategies in one: each place of a pair is dealt to one of them by its share."""

from collections.abc import Mapping

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.draws import pair_keys, uniform
from shoptalk.negatives.fallbacks import Fallback, RandomDocuments
from shoptalk.negatives.mined import Mine, Mined
from shoptalk.negatives.miner import check_counts
from shoptalk.negatives.offers import finished, inner, together
from shoptalk.negatives.places import blank, placed

_DEALING = 4
"""Stream of the draws that deal places."""


class Mixed:
    """Places shared out over strategies, no document twice for a pair.

    Where shares do not come out even (four places, shares of a third), chance by (seed, pair) decides who gets the odd
    place, such that over all pairs every part has its share.

    Args:
        parts: name -> ``None``, which leaves it out, or ``share`` (> 0, relative to the others) and ``strategy`` (a
            class such as ``Ann`` or a partial of it, with its own knobs; ``keep``, ``per_pair`` and ``fallback`` are
            the mixture's).
        keep: negatives stored per pair.
        per_pair: negatives that go into a batch with each pair; at most ``keep``.
        fallback: what fills places that their part has no candidate for, ``RandomDocuments`` unless given.

    Attributes:
        window: union of the parts' windows: the ranks a teacher must judge, ``None`` where no part needs one.
    """

    def __init__(
        self, parts: Mapping[str, Mapping], keep: int = 4, per_pair: int = 1, fallback: Fallback | None = None
    ):
        self.keep, self.per_pair = check_counts(keep, per_pair)
        parts = {name: part for name, part in parts.items() if part is not None}
        if not parts:
            raise InputError("negatives.parts is empty: name a part with its share and strategy.")
        self.shares, self.parts = {}, {}
        for name, part in parts.items():
            self.shares[name] = _share(part, name)
            self.parts[name] = inner(part["strategy"], keep, f"negatives.parts.{name}.strategy")
        self.fallback = fallback or RandomDocuments()
        windows = [part.window for part in self.parts.values() if part.window]
        self.window = (min(low for low, _ in windows), max(high for _, high in windows)) if windows else None

    def mine(self, ask: Mine) -> Mined:
        """Each part's places from its own candidates; a part's shortage is filled by the fallback and told."""
        offers = {name: part.offer(ask) for name, part in self.parts.items()}
        keys = pair_keys(ask.pairs["query"], ask.pairs["doc_id"], ask.seed)
        dealt = deal(keys, list(self.shares.values()), self.keep)
        places = blank(len(keys), self.keep)
        for number, offer in enumerate(offers.values()):
            places = placed(places, dealt == number, offer.places)
        notices = [f"{name}: {notice}" for name, offer in offers.items() for notice in offer.notices]
        for number, (name, part) in enumerate(self.parts.items()):
            own = dealt == number
            short = int((own & (places["row"] < 0)).sum())
            places, told = self.fallback.fill(ask, places, own, part)
            if short:
                notices.append(f"{name}: {short:,} of its {int(own.sum()):,} places had no candidate left.")
            notices += [f"{name}: {notice}" for notice in told]
        return finished(ask, together(places, list(offers.values()), notices), self.fallback)


def deal(keys: np.ndarray, shares: list[float], keep: int) -> np.ndarray:
    """Which part each of ``keep`` places per key goes to: int64 [n, keep], parts in order.

    Systematic sampling (Madow 1949): every part gets ``keep`` x its share, rounded down or up, and over all
    keys exactly that on average.

    Args:
        shares: > 0, one per part, in any unit.
    """
    ends = np.cumsum(shares) / np.sum(shares) * keep
    ends[-1] = keep
    taken = np.floor(ends[None, :] + uniform(keys, 1, _DEALING))
    return (np.arange(keep)[None, :, None] >= taken[:, None, :]).sum(axis=2)


def _share(part: Mapping, name: str) -> float:
    if not isinstance(part, Mapping) or sorted(part) != ["share", "strategy"]:
        raise InputError(f"negatives.parts.{name} needs a share and a strategy, and nothing else.")
    share = part["share"]
    if not isinstance(share, int | float) or not 0 < share < np.inf:
        raise InputError(f"negatives.parts.{name}.share={share} must be a number above 0; ~negatives.parts.{name} "
                         "leaves the part out.")  # fmt: skip
    return float(share)
