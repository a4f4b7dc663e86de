"""A simulated click log for a domain with known intents, and the truth behind it in a file of its own.

The engine sees corpus and query only; which document an intent means decides nothing but the clicks.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from shoptalk.domain.judgments import Domain
from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.behaviour import behave
from shoptalk.sources.clicks.simulation.lists import Search, candidates, shown_columns
from shoptalk.sources.clicks.simulation.made import Made
from shoptalk.sources.clicks.simulation.searches import draw_searches, next_queries
from shoptalk.sources.clicks.simulation.world import World


def simulate(domain: Domain, rankers: Mapping[str, Search], world: World, log_path: Path, truth_path: Path) -> None:
    """Write the log (Parquet, the schema of `log.COLUMNS`) and the truth (Parquet); see ``Made``.

    Raises:
        InputError: see ``make``.
    """
    made = make(domain, rankers, world)
    made.log().write_parquet(log_path)
    made.truth().write_parquet(truth_path)


def make(domain: Domain, rankers: Mapping[str, Search], world: World) -> Made:
    """What happens in ``world`` where people search ``domain``.

    ``rankers`` are two, the lexical one first; the mixtures of ``world`` are made of their scores.

    Raises:
        InputError: the domain has no intents, or none that the world can ask for, or there are not two rankers.
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
    return Made(domain, names, searches, rows, done, next_queries(world, domain, searches.query))


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
