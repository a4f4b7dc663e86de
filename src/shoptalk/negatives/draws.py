"""Random choices that are a function of (seed, pair) alone, for many pairs at once."""

import hashlib
from collections.abc import Sequence

import numpy as np

_U64 = np.uint64


def pair_keys(queries: Sequence[str], doc_ids: Sequence[str], seed: int) -> np.ndarray:
    """A uint64 per pair from its text, its document and the seed, whatever its place in the table."""
    keys = np.empty(len(queries), _U64)
    for i, (query, doc_id) in enumerate(zip(queries, doc_ids, strict=True)):
        raw = f"{seed}\x1f{query}\x1f{doc_id}".encode("utf-8", "surrogatepass")
        keys[i] = int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little")
    return keys


def scramble(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser (Steele et al. 2014): uint64 to uint64, every input bit reaching every output bit."""
    with np.errstate(over="ignore"):
        x = np.asarray(values, _U64) + _U64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> _U64(27))) * _U64(0x94D049BB133111EB)
        return x ^ (x >> _U64(31))


def orders(keys: np.ndarray, count: int) -> np.ndarray:
    """A random order of ``range(count)`` per key: int64 [n, count]."""
    places = scramble(np.arange(count, dtype=_U64))
    return np.argsort(scramble(keys[:, None] ^ places[None, :]), axis=1, kind="stable")


def uniform(keys: np.ndarray, count: int, stream: int) -> np.ndarray:
    """Numbers strictly between 0 and 1, ``count`` per key: float64 [n, count]; streams differ by their number."""
    places = scramble(np.arange(count, dtype=_U64))
    bits = scramble(scramble(keys ^ _U64(stream))[:, None] ^ places[None, :])
    return ((bits >> _U64(11)).astype(np.float64) + 0.5) * 2.0**-53


def gumbel(keys: np.ndarray, count: int, stream: int) -> np.ndarray:
    """Draws from the standard Gumbel distribution, ``count`` per key: float64 [n, count]."""
    return -np.log(-np.log(uniform(keys, count, stream)))


def walk(keys: np.ndarray, size: int, start: int, count: int) -> np.ndarray:
    """Steps ``start .. start + count`` of a random tour of ``range(size)`` per key: int64 [n, count].

    The tour is an arithmetic progression modulo a prime >= ``size``: it visits every row exactly once,
    and -1 stands where it steps outside.
    """
    prime = _prime_from(size)
    first = (scramble(keys ^ _U64(1)) % _U64(prime)).astype(np.int64)
    stride = (scramble(keys ^ _U64(2)) % _U64(max(prime - 1, 1))).astype(np.int64) + 1
    steps = np.arange(start, start + count, dtype=np.int64) % prime
    rows = (first[:, None] + stride[:, None] * steps[None, :]) % prime
    return np.where(rows < size, rows, -1)


def rotate(n_kept: int, per_pair: int, seed: int, pair: int, repetition: int) -> np.ndarray:
    """Which of a pair's ``n_kept`` negatives go along the ``repetition``-th time the pair is drawn.

    Repetitions walk through one random order of the kept, so that each is used before any is used twice.

    Returns:
        int64 [min(n_kept, per_pair)], distinct indices into the kept negatives.
    """
    take = min(n_kept, per_pair)
    order = np.random.default_rng([seed, pair]).permutation(n_kept)
    return order[(repetition * take + np.arange(take)) % n_kept] if n_kept else order


def _prime_from(size: int) -> int:
    number = max(size, 2)
    while any(number % factor == 0 for factor in range(2, int(number**0.5) + 1)):
        number += 1
    return number
