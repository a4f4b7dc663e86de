"""How much of each source the training stream holds: ratios, and the schedule that keeps them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.cache import digest
from shoptalk.errors import InputError


@dataclass(frozen=True)
class Schedule:
    """The order in which training meets the pairs.

    Attributes:
        rows: int64 [total], row of the pairs table at each place of the stream.
        times_drawn: int32 [pairs], how often each pair stands in ``rows``.
        asked: share of the stream per source, as asked; sums to 1.
        drawn: share of the stream per source, as drawn; sums to 1 (0 for an empty stream).
        share_of_loss: drawn weight of the source over drawn weight of all.
        notices: sentences the user should see, where drawn had to differ from asked.
    """

    rows: np.ndarray
    times_drawn: np.ndarray
    asked: dict[str, float]
    drawn: dict[str, float]
    share_of_loss: dict[str, float]
    notices: tuple[str, ...]


class Mixing:
    """Shares by a preset, with the user's own ratios on top.

    Args:
        ratios: share of the stream per source, ``None`` where the preset decides. Ratios for some of the
            chosen sources fix those shares, which must then sum to less than 1, and the preset divides the
            rest; ratios for all of them are normalised.
        max_repeats: how often one pair may be drawn at most.
        total: length of the stream; ``None`` for what the trainer's budget allows.
    """

    def __init__(
        self, ratios: Mapping[str, float | None] | None = None, max_repeats: int = 4, total: int | None = None
    ):
        self.user = {s: _share(f"mixing.ratios.{s}", r) for s, r in (ratios or {}).items() if r is not None}
        self.max_repeats = _whole("mixing.max_repeats", max_repeats)
        self.total = None if total is None else _whole("mixing.total", total)

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """Relative shares of the sources in ``sizes`` (pairs per source); any scale."""
        raise NotImplementedError

    def ratios(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """The share of the stream asked for each source of ``sizes``; sums to 1.

        Raises:
            InputError: a ratio for a source not chosen, all ratios 0, or nothing left for the others.
        """
        for source in self.user:
            if source not in sizes:
                raise InputError(
                    f"mixing.ratios.{source} is set, but the chosen sources are {', '.join(sizes)}; "
                    f"unset it or add {source} to data=."
                )
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
        shares = _normalised(self.preset(rest))
        return {s: self.user[s] if s in self.user else (1 - fixed) * shares[s] for s in sizes}

    def schedule(self, pairs: pl.DataFrame, sources: Sequence[str], seed: int, budget: int) -> Schedule:
        """The stream over ``pairs`` for the chosen ``sources``: ``total`` draws, or else ``budget``."""
        counted = dict(pairs.group_by("source").len().iter_rows())
        ratios = self.ratios({s: counted.get(s, 0) for s in sources})
        return schedule(pairs, ratios, self.total or budget, seed, self.max_repeats)


class Proportional(Mixing):
    """Every pair alike: a source's share is its number of pairs."""

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """Number of pairs."""
        return {s: float(n) for s, n in sizes.items()}


class Balanced(Mixing):
    """Every source alike, however many pairs it has."""

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """1 each."""
        return dict.fromkeys(sizes, 1.0)


class Smoothed(Mixing):
    """Share by number of pairs to the power ``alpha``: 1 is proportional, 0 is balanced.

    As multilingual training does to lift small languages (Conneau & Lample 2019, section 3.1, there 0.5).
    """

    def __init__(self, alpha: float = 0.5, **common):
        super().__init__(**common)
        self.alpha = _share("mixing.alpha", alpha)

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """Number of pairs to the power ``alpha``; 0 without pairs."""
        return {s: float(n) ** self.alpha if n else 0.0 for s, n in sizes.items()}


class Weighted(Mixing):
    """Fixed relative shares by source name; a source without one gets the mean of those listed."""

    def __init__(self, shares: Mapping[str, float], **common):
        super().__init__(**common)
        self.shares = {s: _share(f"mixing.shares.{s}", value) for s, value in shares.items()}
        if not any(self.shares.values()):
            raise InputError("mixing.shares are all 0; give at least one source a share above 0.")

    def preset(self, sizes: Mapping[str, int]) -> dict[str, float]:
        """The listed shares, their mean for the others."""
        mean = sum(self.shares.values()) / len(self.shares)
        return {s: self.shares.get(s, mean) for s in sizes}


def schedule(
    pairs: pl.DataFrame, ratios: Mapping[str, float], total: int | None, seed: int, max_repeats: int = 4
) -> Schedule:
    """A stream of pair rows that holds ``ratios`` as a whole and in every window.

    Each source walks over its pairs in reshuffled epochs, a function of (seed, source, epoch) and of the set of
    pairs, not of their order in the table. In a window of w places a source stands r·w times, off by at most
    the number of sources plus 1.

    Args:
        pairs: columns ``query``, ``doc_id``, ``weight``, ``source``; every source must be a key of ``ratios``.
        ratios: share per source, at least 0, sum 1.
        total: places in the stream; ``None`` for as many as there are pairs. The stream is shorter only where
            every source with a ratio above 0 has reached ``max_repeats``.
        max_repeats: most draws of one pair. A source too small for its share is cut to ``max_repeats`` draws of
            each pair, the others take over what is left in the proportion of their ratios, and a notice says so.
    """
    unknown = set(pairs["source"].unique()) - set(ratios)
    if unknown:
        raise ValueError(f"pairs of sources without a ratio: {sorted(unknown)}")
    own = {s: _rows_of(pairs, s) for s in ratios}
    sizes = {s: len(rows) for s, rows in own.items()}
    total = pairs.height if total is None else total
    counts = _capped(ratios, {s: max_repeats * n for s, n in sizes.items()}, total)
    streams = [own[s][_epochs(sizes[s], counts[s], seed, s)] for s in ratios]
    rows = _interleaved(streams)
    times = np.bincount(rows, minlength=pairs.height).astype(np.int32)
    drawn = {s: counts[s] / max(len(rows), 1) for s in ratios}
    loss = _share_of_loss(pairs, times, ratios)
    notices = _notices(ratios, drawn, sizes, counts, max_repeats, total)
    return Schedule(rows, times, dict(ratios), drawn, loss, notices)


def _rows_of(pairs: pl.DataFrame, source: str) -> np.ndarray:
    rows = pairs.select("source", "query", "doc_id").with_row_index("row").filter(pl.col("source") == source)
    return rows.sort("query", "doc_id", "row")["row"].to_numpy().astype(np.int64)


def _capped(ratios: Mapping[str, float], caps: Mapping[str, int], total: int) -> dict[str, int]:
    """Draws per source: largest remainder of ``ratios``, none above its cap, deficits given to the others."""
    counts: dict[str, int] = {s: 0 for s, r in ratios.items() if r <= 0}
    while free := {s: r for s, r in ratios.items() if s not in counts}:
        wanted = _largest_remainder(_normalised(free), total - sum(counts.values()))
        over = [s for s in free if wanted[s] > caps[s]]
        if not over:
            return counts | wanted
        counts |= {s: caps[s] for s in over}
    return counts


def _largest_remainder(ratios: Mapping[str, float], total: int) -> dict[str, int]:
    exact = {s: r * total for s, r in ratios.items()}
    counts = {s: math.floor(x) for s, x in exact.items()}
    by_remainder = sorted(exact, key=lambda s: counts[s] - exact[s])
    for source in by_remainder[: total - sum(counts.values())]:
        counts[source] += 1
    return counts


def _epochs(size: int, count: int, seed: int, source: str) -> np.ndarray:
    """``count`` positions in [0, size): shuffled passes, one pair at least a quarter of a pass apart."""
    if not count:
        return np.zeros(0, np.int64)
    passes: list[np.ndarray] = []
    for epoch in range(math.ceil(count / size)):
        order = np.random.default_rng([seed, int(digest(source)[:12], 16), epoch]).permutation(size)
        passes.append(_apart(order, passes[-1]) if passes else order)
    return np.concatenate(passes)[:count].astype(np.int64)


def _apart(order: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """``order`` with what ended ``previous`` moved out of its first quarter."""
    quarter = len(order) // 4
    recent = np.isin(order, previous[len(order) - quarter :])
    early = np.flatnonzero(recent[:quarter])
    late = quarter + np.flatnonzero(~recent[quarter:])[: len(early)]
    order[early], order[late] = order[late], order[early]
    return order


def _interleaved(streams: Sequence[np.ndarray]) -> np.ndarray:
    """All streams in one, each spread evenly: draw j of n stands at (j + 1/2) / n of the way."""
    places = np.concatenate([(np.arange(len(s)) + 0.5) / max(len(s), 1) for s in streams])
    return np.concatenate(streams)[np.argsort(places, kind="stable")].astype(np.int64)


def _share_of_loss(pairs: pl.DataFrame, times: np.ndarray, ratios: Mapping[str, float]) -> dict[str, float]:
    drawn = pairs["weight"].cast(pl.Float64).to_numpy() * times
    by_source = {s: float(drawn[(pairs["source"] == s).to_numpy()].sum()) for s in ratios}
    return _normalised(by_source) if any(by_source.values()) else by_source


def _notices(ratios, drawn, sizes, counts, max_repeats: int, total: int) -> tuple[str, ...]:
    capped = [s for s in ratios if ratios[s] > 0 and counts[s] == max_repeats * sizes[s] and drawn[s] < ratios[s]]
    said = [
        f"{s}: {100 * ratios[s]:.1f} % of the stream asked, {100 * drawn[s]:.1f} % drawn, "
        f"because each of its {sizes[s]:,} pairs is drawn at most {max_repeats} times (mixing.max_repeats)."
        for s in capped
    ]
    if (length := sum(counts.values())) < total:
        said.append(f"The stream holds {length:,} draws, not {total:,}: no source may be drawn more often.")
    return tuple(said)


def _normalised(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares that sum to 1; equal ones where all are 0."""
    total = sum(shares.values())
    return {s: v / total if total else 1 / len(shares) for s, v in shares.items()}


def _share(key: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise InputError(f"{key}={value} is not a share; give a finite number that is 0 or more.")
    return float(value)


def _whole(key: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{key}={value} is not possible; give a whole number of 1 or more.")
    return value
