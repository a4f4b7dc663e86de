"""What happens to places that no candidate is left for."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.barred import Barred, fill
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.mined import Mine
from shoptalk.negatives.places import FILLED, placed


class Further(Protocol):
    """A strategy that may have candidates behind its rank window."""

    def further(self, ask: Mine, ranks: int) -> "Further | None":
        """The same strategy on the ``ranks`` ranks behind its window, hardest first; ``None`` where there are none."""
        ...

    def offer(self, ask: Mine) -> object:
        """An ``Offer``."""
        ...


class Fallback(Protocol):
    """What fills a shortage.

    Attributes:
        name: what ``Mined.fallback`` says.
    """

    name: str

    def fill(
        self, ask: Mine, places: np.ndarray, where: np.ndarray, strategy: Further
    ) -> tuple[np.ndarray, Sequence[str]]:
        """``places`` with documents in the empty ones, their miner ``FILLED``, and sentences for the user.

        Never a known positive, and no document twice in a line.

        Args:
            places: PLACE [n, keep], lines as ``ask.pairs``.
            where: bool [n, keep], the places that may be filled.
            strategy: whose shortage it is.
        """
        ...


class RandomDocuments:
    """Random documents of the corpus, by (seed, pair); no filter but that of known positives applies to them."""

    name = "random"

    def fill(
        self, ask: Mine, places: np.ndarray, where: np.ndarray, strategy: Further
    ) -> tuple[np.ndarray, Sequence[str]]:
        """Empty only where the corpus has no further document."""
        places, short = places.copy(), _short(places, where)
        if len(short):
            pairs, part = ask.pairs[short], places[short]
            barred, keys = Barred(pairs, ask.corpus, ask.known), pair_keys(pairs["query"], pairs["doc_id"], ask.seed)
            rows, _ = fill(part["row"], barred, keys, where[short])
            part["miner"][rows != part["row"]] = FILLED
            part["row"] = rows
            places[short] = part
        return places, too_few(int((where & (places["row"] < 0)).sum()))


class Deeper:
    """The next candidates behind the rank window that pass every other filter, then random documents.

    RocketQA (Qu et al. 2021, section 3.3) fills from behind its window as well, at random and unfiltered; here margins,
    limits and the teacher, calibrated on the window, hold for these candidates too.

    Args:
        ranks: how far behind the window to look, >= 1.
    """

    name = "deeper"

    def __init__(self, ranks: int = 100):
        if ranks < 1:
            raise InputError(f"negatives.fallback.ranks={ranks} must be at least 1.")
        self.ranks = ranks

    def fill(
        self, ask: Mine, places: np.ndarray, where: np.ndarray, strategy: Further
    ) -> tuple[np.ndarray, Sequence[str]]:
        """Searches again, for the pairs that need it only."""
        places, short = places.copy(), _short(places, where)
        behind = strategy.further(ask, self.ranks) if len(short) else None
        found, notices = 0, []
        if behind is not None:
            offer = behind.offer(replace(ask, pairs=ask.pairs[short]))
            offer.places["miner"][offer.places["row"] >= 0] = FILLED
            part = placed(places[short], where[short], offer.places)
            found = int(((part["row"] >= 0) & (places[short]["row"] < 0)).sum())
            places[short] = part
            notices = [f"Behind the rank window: {notice}" for notice in offer.notices]
        places, more = RandomDocuments().fill(ask, places, where, strategy)
        if len(short):
            notices.append(f"{found:,} places were filled from behind the rank window, the others at random.")
        return places, [*notices, *more]


class Short:
    """Nothing: a pair has fewer negatives then, or none."""

    name = "none"

    def fill(
        self, ask: Mine, places: np.ndarray, where: np.ndarray, strategy: Further
    ) -> tuple[np.ndarray, Sequence[str]]:
        """The places as they are, and how many are empty."""
        empty = where & (places["row"] < 0)
        if not empty.any():
            return places, []
        bare = int((places["row"] < 0).all(axis=1).sum())
        pairs = int(empty.any(axis=1).sum())
        return places, [f"{int(empty.sum()):,} places of {pairs:,} pairs stay empty; {bare:,} pairs have no negative."]


def too_few(missing: int) -> list[str]:
    """A notice where the corpus itself has too few documents."""
    return [f"The corpus has too few documents: {missing} negatives are missing."] if missing else []


def _short(places: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Lines with an empty place that may be filled."""
    return np.flatnonzero((where & (places["row"] < 0)).any(axis=1))
