"""The result lists that simulated searchers see: two rankers, noisy mixtures of both, some exploration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shoptalk.retrieval.ranked import Ranked
from shoptalk.sources.clicks.simulation.world import World

Search = Callable[[Sequence[str], int], Ranked]
"""``search(queries, k)``: the k best documents per query, as corpus rows."""

_CHUNK = 10_000


@dataclass(frozen=True)
class Candidates:
    """What either ranker found per query: the union of both top lists, padded with row -1.

    Attributes:
        rows: int64 [queries, c] corpus rows.
        scores: per ranker float32 [queries, c], 0 to 1 within a query, 0 where the ranker did not find the
            document, -inf in the padding.
        orders: per ranker int16 [queries, depth]: its own list as columns of ``rows``; -1 where it ends.
    """

    rows: np.ndarray
    scores: Mapping[str, np.ndarray]
    orders: Mapping[str, np.ndarray]


def candidates(queries: Sequence[str], rankers: Mapping[str, Search], depth: int) -> Candidates:
    """Ask every ranker for the ``depth`` best of each query and join the answers."""
    found = {name: _cut(search(queries, depth), depth) for name, search in rankers.items()}
    joined = np.concatenate([ranked.rows for ranked in found.values()], axis=1)
    rows = _distinct(joined)
    scores, orders = {}, {}
    for name, ranked in found.items():
        orders[name] = _columns(rows, ranked.rows)
        scores[name] = _scattered(rows, orders[name], _unit(ranked))
    return Candidates(rows, scores, orders)


def shown_columns(
    world: World, found: Candidates, query: np.ndarray, ranker: np.ndarray, names: Sequence[str]
) -> np.ndarray:
    """The list of every search, int16 [searches, list_length] as columns of ``found.rows``; -1 where it ends.

    ``query`` and ``ranker`` are int64 [searches]; ``names[ranker]`` is a base ranker or a mixture of the world.
    """
    depth = min(world.depth, found.rows.shape[1])
    shown = np.full((len(query), world.list_length), -1, dtype=np.int16)
    for start in range(0, len(query), _CHUNK):
        part = slice(start, start + _CHUNK)
        full = _full_lists(world, found, query[part], ranker[part], names, depth, start)
        shown[part, : min(world.list_length, depth)] = _explored(world, full, start)
    return shown


def _full_lists(
    world: World, found: Candidates, query: np.ndarray, ranker: np.ndarray, names: Sequence[str], depth: int, start: int
) -> np.ndarray:
    full = np.full((len(query), depth), -1, dtype=np.int16)
    for code, name in enumerate(names):
        mine = np.flatnonzero(ranker == code)
        if name in found.orders:
            order = found.orders[name][query[mine], :depth]
            full[mine, : order.shape[1]] = order
        else:
            full[mine] = _mixed(world, found, query[mine], world.mixtures[name], depth, (start, code))
    return full


def _mixed(
    world: World, found: Candidates, query: np.ndarray, lexical: float, depth: int, purpose: tuple[int, int]
) -> np.ndarray:
    first, second = found.scores.values()
    scores = lexical * first[query] + (1 - lexical) * second[query]
    noise = world.generator(1, *purpose).standard_normal(scores.shape, dtype=np.float32)
    scores += np.float32(world.mixture_noise) * noise
    order = np.argsort(-scores, axis=1, kind="stable")[:, :depth].astype(np.int16)
    order[np.take_along_axis(scores, order.astype(np.int64), axis=1) == -np.inf] = -1
    return order


def _explored(world: World, full: np.ndarray, start: int) -> np.ndarray:
    """The top of each list; in a share of them one slot holds a document from deeper ranks."""
    random = world.generator(2, start)
    top = full[:, : world.list_length].copy()
    deeper = (full >= 0).sum(axis=1) - world.list_length
    chosen = np.flatnonzero((random.random(len(full)) < world.explored) & (deeper > 0))
    slot = random.integers(0, world.list_length, len(chosen))
    depth = world.list_length + random.integers(0, deeper[chosen])
    top[chosen, slot] = full[chosen, depth]
    return top


def _cut(ranked: Ranked, depth: int) -> Ranked:
    return Ranked(np.asarray(ranked.rows)[:, :depth], np.asarray(ranked.scores)[:, :depth])


def _distinct(joined: np.ndarray) -> np.ndarray:
    """Each line's different rows in ascending order, the padding -1 last."""
    far = np.iinfo(np.int64).max
    ordered = np.sort(np.where(joined < 0, far, joined).astype(np.int64), axis=1)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = far
    ordered.sort(axis=1)
    width = max(1, int((ordered < far).sum(axis=1).max(initial=0)))
    return np.where(ordered == far, -1, ordered)[:, :width]


def _columns(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted row stands in its line of ``rows``; -1 for padding."""
    columns = np.full(wanted.shape, -1, dtype=np.int16)
    for line in range(len(rows)):
        used = rows[line][rows[line] >= 0]
        real = wanted[line] >= 0
        columns[line, real] = np.searchsorted(used, wanted[line][real])
    return columns


def _scattered(rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    scores = np.where(rows >= 0, np.float32(0), np.float32(-np.inf))
    line, place = np.nonzero(columns >= 0)
    scores[line, columns[line, place]] = values[line, place]
    return scores


def _unit(ranked: Ranked) -> np.ndarray:
    """Scores of each line brought to 0 (its last real result) … 1 (its first)."""
    real = ranked.rows >= 0
    high = np.where(real, ranked.scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    low = np.where(real, ranked.scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    span = np.where(high > low, high - low, 1)
    unit = np.where(real & (high > low), (ranked.scores - low) / span, 1)
    return np.where(real, unit, 0).astype(np.float32)
