"""A simulated click log for a domain with known intents, and the truth behind it in a file of its own.

The engine sees corpus and query only; which document an intent means decides nothing but the clicks.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from shoptalk.domain.judgments import Domain
from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.behaviour import Behaviour, behave
from shoptalk.sources.clicks.simulation.lists import Search, candidates, shown_columns
from shoptalk.sources.clicks.simulation.searches import Searches, draw_searches, follow_ups, respellings
from shoptalk.sources.clicks.simulation.world import World


def simulate(domain: Domain, rankers: Mapping[str, Search], world: World, log_path: Path, truth_path: Path) -> None:
    """Write the log (Parquet, the schema of `log.COLUMNS`) and the truth (Parquet).

    ``rankers`` are two, the lexical one first; the mixtures of ``world`` are made of their scores. The truth
    has one row per intent and relevant document: ``intent_id``, ``query``, ``doc_id``, ``times_asked``
    (searches) and ``times_shown`` (lists that held the document).

    Raises:
        InputError: the domain has no intents, or there are not two rankers.
    """
    if domain.intents is None or not len(domain.intents):
        raise InputError(f"domain {domain.name}: there are no intents to simulate a click log from; give a real log.")
    if len(rankers) != 2:
        raise InputError(f"simulate: two rankers are needed, a lexical and a dense one, and {len(rankers)} were given.")
    names = [*rankers, *world.mixtures]
    searches = draw_searches(world, domain, len(names))
    asked, query = np.unique(searches.query, return_inverse=True)
    texts = [domain.intents.texts[q] for q in asked]
    found = candidates(texts, rankers, world.depth)
    columns = shown_columns(world, found, query, searches.ranker, names).astype(np.int64)
    shown = columns >= 0
    rows = np.where(shown, found.rows[query[:, None], columns], -1)
    attraction = relevance(domain, asked, found.rows, world)
    seen = np.where(shown, attraction[query[:, None], columns], 0).astype(np.float32)
    done = behave(world, seen, shown, searches.bot)
    _log(domain, names, searches, rows, done).write_parquet(log_path)
    _truth(domain, searches, rows).write_parquet(truth_path)


def relevance(domain: Domain, asked: Sequence[int], rows: np.ndarray, world: World) -> np.ndarray:
    """Relevance in [0, 1] of the candidates ``rows`` int64 [asked, c], float32: the grade over the best grade
    of the query; at least ``neighbour_relevance`` next to a relevant document in the ontology."""
    values = np.zeros(rows.shape, dtype=np.float32)
    for line, intent in enumerate(asked):
        for doc_id, value in _relevant(domain, domain.intents.ids[intent], world).items():
            values[line][rows[line] == domain.corpus.index.get(doc_id, -2)] = value
    return values


def _relevant(domain: Domain, query_id: str, world: World) -> dict[str, float]:
    grades = {d: g for d, g in domain.intents.qrels.get(query_id, {}).items() if g > 0}
    near = {n: world.neighbour_relevance for d in grades for n in domain.neighbours.get(d, ())}
    best = max(grades.values(), default=1)
    return near | {d: max(g / best, near.get(d, 0.0)) for d, g in grades.items()}


def _log(domain: Domain, names: Sequence[str], searches: Searches, rows: np.ndarray, done: Behaviour) -> pl.DataFrame:
    search, slot = np.nonzero(rows >= 0)
    clicked = done.clicked[search, slot]
    spelt = respellings(domain.intents.texts)
    typed = searches.spelling.astype(np.int64) * len(domain.intents) + searches.query
    click_ts = searches.ts_ms[search] + done.click_ms[search, slot]
    per_search = pl.DataFrame(
        {
            "impression_id": _keys("impression", len(rows)),
            "ts_ms": searches.ts_ms,
            "query_raw": pl.Series(spelt).gather(typed),
            "session_id": _keys("session", int(searches.session.max()) + 1).gather(searches.session),
            "user_key": _keys("user", int(searches.user.max()) + 1).gather(searches.user),
            "ranker_id": pl.Series(names).gather(searches.ranker),
            "is_bot": searches.flagged,
            "next_query": _next_query(domain, searches, done),
            "next_query_gap_s": pl.Series(done.gap_s).fill_nan(None),
        }
    )
    per_row = pl.DataFrame(
        {
            "doc_id": pl.Series(list(domain.corpus.ids)).gather(rows[search, slot]),
            "position": (slot + 1).astype(np.int16),
            "clicked": clicked,
            "click_ts_ms": pl.Series(click_ts).set(pl.Series(~clicked), None),
            "dwell_s": pl.Series(done.dwell_s[search, slot]).fill_nan(None),
            "last_click": done.last[search, slot],
        }
    )
    return pl.concat([per_search[search], per_row], how="horizontal")


def _next_query(domain: Domain, searches: Searches, done: Behaviour) -> pl.Series:
    following = pl.Series(follow_ups(domain)).gather(searches.query)
    return following.set(pl.Series(~done.reformulated), None)


def _truth(domain: Domain, searches: Searches, rows: np.ndarray) -> pl.DataFrame:
    intents = domain.intents
    times_asked = np.bincount(searches.query, minlength=len(intents))
    size = len(domain.corpus) + 1
    lists = np.repeat(searches.query, rows.shape[1]) * size + rows.ravel() + 1
    keys, times = np.unique(lists, return_counts=True)
    told = [(row, d) for row, doc_ids in enumerate(intents.positives()) for d in doc_ids if d in domain.corpus.index]
    wanted = np.array([row * size + domain.corpus.index[d] + 1 for row, d in told], dtype=np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return pl.DataFrame(
        {
            "intent_id": [intents.ids[row] for row, _ in told],
            "query": [intents.texts[row] for row, _ in told],
            "doc_id": [d for _, d in told],
            "times_asked": times_asked[[row for row, _ in told]],
            "times_shown": np.where(keys[place] == wanted, times[place], 0),
        }
    )


def _keys(kind: str, count: int) -> pl.Series:
    """Opaque identifiers, one per code."""
    return pl.Series([hashlib.blake2b(f"{kind} {n}".encode(), digest_size=8).hexdigest() for n in range(count)])
