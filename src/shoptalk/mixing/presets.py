"""Ratios by a preset, with the user's own on top."""

from collections.abc import Mapping, Sequence

import polars as pl

from shoptalk.errors import InputError, only_chosen, whole_number
from shoptalk.mixing.checks import share, weight
from shoptalk.mixing.course import Course
from shoptalk.mixing.schedule import Schedule, normalised, schedule


class Mixing:
    """What is asked of the training stream.

    Args:
        ratios: share of the stream per source, ``None`` where the preset decides. Ratios for some of the
            chosen sources fix those shares, which must then sum to less than 1, and the preset divides the
            rest; ratios for all of them are normalised.
        weights: factor per source of the weights of its pairs in the loss, ``None`` for 1: how much a draw
            counts, whatever the share of draws.
        max_repeats: how often one pair may be drawn at most, or that for each of the chosen sources.
        total: length of the stream; ``None`` for what the trainer's budget allows.
    """

    def __init__(
        self,
        ratios: Mapping[str, float | None] | None = None,
        weights: Mapping[str, float | None] | None = None,
        max_repeats: int | Mapping[str, int] = 4,
        total: int | None = None,
    ):
        self.user = {s: share(f"mixing.ratios.{s}", r) for s, r in (ratios or {}).items() if r is not None}
        self.weights = {s: weight(f"mixing.weights.{s}", w) for s, w in (weights or {}).items() if w is not None}
        if isinstance(max_repeats, Mapping):
            self.max_repeats = {s: whole_number(f"mixing.max_repeats.{s}", n) for s, n in max_repeats.items()}
        else:
            self.max_repeats = whole_number("mixing.max_repeats", max_repeats)
        self.total = None if total is None else whole_number("mixing.total", total)

    def course(self, sizes: Mapping[str, int]) -> Course:
        """The ratios of the sources in ``sizes`` (pairs per source) along the stream."""
        raise NotImplementedError

    def schedule(self, pairs: pl.DataFrame, sources: Sequence[str], seed: int, budget: int) -> Schedule:
        """The stream over ``pairs`` for the chosen ``sources``: ``total`` draws, or else ``budget``.

        Raises:
            InputError: an option names a source not chosen, or leaves nothing to draw from.
        """
        only_chosen("mixing.weights", self.weights, sources)
        counted = dict(pairs.group_by("source").len().iter_rows())
        course = self.course({s: counted.get(s, 0) for s in sources})
        return schedule(pairs, course, self.total or budget, seed, self._repeats(sources), self.weights)

    def _repeats(self, sources: Sequence[str]) -> dict[str, int]:
        if not isinstance(self.max_repeats, Mapping):
            return dict.fromkeys(sources, self.max_repeats)
        only_chosen("mixing.max_repeats", self.max_repeats, sources)
        if missing := [s for s in sources if s not in self.max_repeats]:
            raise InputError(f"mixing.max_repeats says nothing of {', '.join(missing)}; give every chosen source a "
                             "number, or one number for all.")  # fmt: skip
        return dict(self.max_repeats)


class Constant(Mixing):
    """The same ratios throughout."""

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """Relative shares of the sources in ``sizes`` (pairs per source); any scale."""
        raise NotImplementedError

    def ratios(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """The share of the stream asked for each source of ``sizes``; sums to 1.

        Raises:
            InputError: a ratio for a source not chosen, all ratios 0, or nothing left for the others.
        """
        only_chosen("mixing.ratios", self.user, sizes)
        rest = {s: n for s, n in sizes.items() if s not in self.user}
        fixed = sum(self.user.values())
        if not rest:
            if fixed <= 0:
                raise InputError("mixing.ratios are all 0; give at least one chosen source a ratio above 0.")
            return {s: self.user[s] / fixed for s in sizes}
        if fixed >= 1 - 1e-9:
            raise InputError(
                f"mixing.ratios sum to {fixed:g}, which leaves nothing for {', '.join(rest)}; "
                "lower them below 1 together, or set a ratio for every chosen source."
            )
        shares = normalised(self.preset(rest))
        return {s: self.user[s] if s in self.user else (1 - fixed) * shares[s] for s in sizes}

    def course(self, sizes: Mapping[str, int]) -> Course:
        """``ratios`` throughout."""
        return Course.constant(self.ratios(sizes))


class Proportional(Constant):
    """Every pair alike: a source's share is its number of pairs."""

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """Number of pairs."""
        return {s: float(n) for s, n in sizes.items()}


class Balanced(Constant):
    """Every source alike, however many pairs it has."""

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """1 each."""
        return dict.fromkeys(sizes, 1.0)


class Smoothed(Constant):
    """Share by number of pairs to the power ``alpha``: 1 is proportional, 0 is balanced.

    As multilingual training does to lift small languages (Conneau & Lample 2019, section 3.1, there 0.5).
    """

    def __init__(self, alpha: float = 0.5, **common):
        super().__init__(**common)
        self.alpha = share("mixing.alpha", alpha)

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """Number of pairs to the power ``alpha``; 0 without pairs."""
        return {s: float(n) ** self.alpha if n else 0.0 for s, n in sizes.items()}


class Weighted(Constant):
    """Fixed relative shares by source name; a source without one gets the mean of those listed."""

    def __init__(self, shares: Mapping[str, float], **common):
        super().__init__(**common)
        self.shares = {s: share(f"mixing.shares.{s}", value) for s, value in shares.items()}
        if not any(self.shares.values()):
            raise InputError("mixing.shares are all 0; give at least one source a share above 0.")

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """The listed shares, their mean for the others."""
        mean = sum(self.shares.values()) / len(self.shares)
        return {s: self.shares.get(s, mean) for s in sizes}
