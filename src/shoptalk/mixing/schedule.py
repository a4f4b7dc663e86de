"""The order in which training meets the pairs, and what of each source is in it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from shoptalk.cache import digest
from shoptalk.mixing.course import Course

STAGES = 10


@dataclass(frozen=True)
class Stage:
    """A tenth of the stream.

    Attributes:
        until: progress at its end, in (0, 1].
        asked: mean share per source, as asked.
        drawn: share per source, as drawn.
        share_of_loss: weight of the source's draws over that of all.
    """

    until: float
    asked: dict[str, float]
    drawn: dict[str, float]
    share_of_loss: dict[str, float]


@dataclass(frozen=True)
class Schedule:
    """The order in which training meets the pairs.

    Attributes:
        rows: int64 [total], row of the pairs table at each place of the stream.
        times_drawn: int32 [pairs], how often each pair stands in ``rows``.
        weights: float32 [pairs], how much each pair counts in the loss: its own weight times its source's.
        asked: share of the stream per source, as asked; sums to 1.
        drawn: share of the stream per source, as drawn; sums to 1 (0 for an empty stream).
        share_of_loss: drawn weight of the source over drawn weight of all.
        notices: sentences the user should see, where drawn had to differ from asked.
        stages: the same shares tenth by tenth, where the ratios change along the stream; else empty.
    """

    rows: np.ndarray
    times_drawn: np.ndarray
    weights: np.ndarray
    asked: dict[str, float]
    drawn: dict[str, float]
    share_of_loss: dict[str, float]
    notices: tuple[str, ...]
    stages: tuple[Stage, ...] = ()


def schedule(
    pairs: pl.DataFrame,
    course: Course,
    total: int | None,
    seed: int,
    max_repeats: Mapping[str, int],
    weights: Mapping[str, float] | None = None,
) -> Schedule:
    """A stream of pair rows that holds the ratios of ``course`` as a whole and in every window.

    Each source walks over its pairs in reshuffled epochs, a function of (seed, source, epoch) and of the set of
    pairs, not of their order in the table. With constant ratios, in a window of w places a source stands r·w
    times, r being its share as drawn, off by at most the number S of sources plus 1.

    With ratios that change, and no source capped, its draws in all are the integral of its ratio times the length
    T of the stream, off by less than 1, and in a window they are the integral over the window, off by less than
    3/2·S + 2. Proof: by progress x a source has made that share of its n draws which its area before x is of its
    whole area, off by 1/2. Together that is T·x draws, off by S/2, and by S/4 more since every n is rounded. So
    place k is at progress k/T, off by 3/4·S/T; as no ratio exceeds 1, either end of the window is off by 3/4·S
    draws of the source at most, and by its own 1/2; the rounding of its n adds less than 1.

    With a source capped, each keeps the shape of its own course, and ``stages`` tell what became of the shares.

    Args:
        pairs: columns ``query``, ``doc_id``, ``weight``, ``source``; every source must be one of ``course``.
        total: places in the stream; ``None`` for as many as there are pairs. The stream is shorter only where
            every source with a ratio above 0 has reached ``max_repeats``.
        max_repeats: per source the most draws of one pair. A source too small for its share is cut to so many
            draws of each pair, the others take over what is left in the proportion of their ratios, and a notice
            says so.
        weights: factor per source of the weights of its pairs; 1 for those not named.
    """
    sources = list(course.legs)
    unknown = set(pairs["source"].unique()) - set(sources)
    if unknown:
        raise ValueError(f"pairs of sources without a ratio: {sorted(unknown)}")
    own = {s: _rows_of(pairs, s) for s in sources}
    sizes = {s: len(rows) for s, rows in own.items()}
    total = pairs.height if total is None else total
    asked = course.ratios()
    counts = _capped(asked, {s: max_repeats[s] * n for s, n in sizes.items()}, total)
    streams = [own[s][_epochs(sizes[s], counts[s], seed, s)] for s in sources]
    rows = _interleaved(streams, [course.places(s, counts[s]) for s in sources])
    times = np.bincount(rows, minlength=pairs.height).astype(np.int32)
    drawn = {s: counts[s] / max(len(rows), 1) for s in sources}
    counted = pairs["weight"].cast(pl.Float32).to_numpy().copy()
    for source, factor in (weights or {}).items():
        counted[own[source]] *= np.float32(factor)
    loss = _shares(own, counted.astype(np.float64) * times)
    notices = _notices(asked, drawn, sizes, counts, max_repeats, total)
    stages = () if course.steady else _stages(course, own, rows, counted)
    return Schedule(rows, times, counted, asked, drawn, loss, notices, stages)


def _rows_of(pairs: pl.DataFrame, source: str) -> np.ndarray:
    rows = pairs.select("source", "query", "doc_id").with_row_index("row").filter(pl.col("source") == source)
    return rows.sort("query", "doc_id", "row")["row"].to_numpy().astype(np.int64)


def _capped(ratios: Mapping[str, float], caps: Mapping[str, int], total: int) -> dict[str, int]:
    """Draws per source: largest remainder of ``ratios``, none above its cap, deficits given to the others."""
    counts: dict[str, int] = {s: 0 for s, r in ratios.items() if r <= 0}
    while free := {s: r for s, r in ratios.items() if s not in counts}:
        wanted = _largest_remainder(normalised(free), total - sum(counts.values()))
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


def _interleaved(streams: Sequence[np.ndarray], places: Sequence[np.ndarray]) -> np.ndarray:
    """All streams in one, by the progress at which each draw stands."""
    return np.concatenate(streams)[np.argsort(np.concatenate(places), kind="stable")].astype(np.int64)


def _stages(course: Course, own: Mapping[str, np.ndarray], rows: np.ndarray, weights: np.ndarray) -> tuple[Stage, ...]:
    stages = []
    edges = np.unique(np.linspace(0, len(rows), STAGES + 1).round().astype(int))
    for low, high in pairwise(edges):
        times = np.bincount(rows[low:high], minlength=len(weights)).astype(np.float64)
        asked = course.ratios(low / len(rows), high / len(rows))
        stages.append(Stage(float(high / len(rows)), asked, _shares(own, times), _shares(own, times * weights)))
    return tuple(stages)


def _shares(own: Mapping[str, np.ndarray], amounts: np.ndarray) -> dict[str, float]:
    """Each source's share in ``amounts`` float64 [pairs], by the rows of its pairs; 0 where there is nothing."""
    by_source = {s: float(amounts[np.sort(rows)].sum()) for s, rows in own.items()}  # in the table's order
    return normalised(by_source) if any(by_source.values()) else by_source


def _notices(ratios, drawn, sizes, counts, max_repeats: Mapping[str, int], total: int) -> tuple[str, ...]:
    capped = [s for s in ratios if ratios[s] > 0 and counts[s] == max_repeats[s] * sizes[s] and drawn[s] < ratios[s]]
    said = [
        f"{s}: {100 * ratios[s]:.1f} % of the stream asked, {100 * drawn[s]:.1f} % drawn, "
        f"because each of its {sizes[s]:,} pairs is drawn at most {max_repeats[s]} times (mixing.max_repeats)."
        for s in capped
    ]
    if (length := sum(counts.values())) < total:
        said.append(f"The stream holds {length:,} draws, not {total:,}: no source may be drawn more often.")
    return tuple(said)


def normalised(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares that sum to 1; equal ones where all are 0."""
    total = sum(shares.values())
    return {s: v / total if total else 1 / len(shares) for s, v in shares.items()}
