"""Who searches for what and when in the simulated world."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.domain.judgments import Domain
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.world import World

_SPELLINGS = (str, str.lower, str.upper, str.title, lambda t: t + " ", lambda t: t + "  ", lambda t: t + "?")
_BOT_PAUSE_MS = 3_000
_SEARCHES, _BOTS, _PLACES, _DRIFT = 0, 3, 4, 14


@dataclass(frozen=True)
class Searches:
    """One entry per search, in order of time; all arrays [searches].

    Attributes:
        query: row of the intent. spelling: which of the respellings was typed.
        ts_ms: UTC milliseconds. session, user: codes. bot: made by a bot. flagged: and known as one.
        ranker: code of the ranker that answered.
    """

    query: np.ndarray
    spelling: np.ndarray
    ts_ms: np.ndarray
    session: np.ndarray
    user: np.ndarray
    bot: np.ndarray
    flagged: np.ndarray
    ranker: np.ndarray


def draw_searches(world: World, domain: Domain, rankers: int) -> Searches:
    """All searches of the log: people search once a session, bots many times."""
    random = world.generator(_SEARCHES)
    share = query_shares(world, domain)
    total = world.sessions
    sizes = _bot_sessions(world, round(total * world.bots))
    people = total - int(sizes.sum())
    span = world.days * 86_400_000
    session = np.concatenate([np.arange(people), people + np.repeat(np.arange(len(sizes)), sizes)])
    starts = np.sort(random.integers(0, span, len(sizes)))
    within = np.concatenate([np.arange(s) for s in sizes]) if len(sizes) else np.zeros(0, dtype=np.int64)
    ts = np.concatenate([random.integers(0, span, people), np.repeat(starts, sizes) + _BOT_PAUSE_MS * within])
    person = (world.users * random.random(people) ** 2).astype(np.int64)
    user = np.concatenate([person, world.users + session[people:] - people])
    flagged = np.zeros(people + len(sizes), dtype=bool)
    flagged[people:] = random.random(len(sizes)) < world.bots_flagged
    order = np.argsort(ts, kind="stable")
    typed = np.where(random.random(total) < world.respelled, random.integers(1, len(_SPELLINGS), total), 0)
    return Searches(
        query=random.choice(len(share), size=total, p=share),
        spelling=typed.astype(np.int8),
        ts_ms=world.start_ms + ts[order],
        session=session[order],
        user=user[order],
        bot=(session >= people)[order],
        flagged=flagged[session][order],
        ranker=random.integers(0, rankers, total),
    )


def query_shares(world: World, domain: Domain) -> np.ndarray:
    """How often each intent is asked, float64 [intents], sum 1.

    The traffic of a document is shared evenly by the intents it answers; in a domain without traffic
    ``world.zipf`` decides.

    Raises:
        InputError: no intent belongs to a document with traffic.
    """
    positives = domain.intents.positives()
    if not domain.traffic:
        return _zipf_shares(world, len(positives))
    askers: dict[str, int] = {}
    for doc_id in (d for row in positives for d in row):
        askers[doc_id] = askers.get(doc_id, 0) + 1
    share = np.array([sum(domain.traffic.get(d, 0.0) / askers[d] for d in row) for row in positives])
    if not share.sum() > 0:
        raise InputError(f"domain {domain.name}: no query to simulate belongs to a document that has traffic.")
    return share / share.sum()


def _zipf_shares(world: World, intents: int) -> np.ndarray:
    if world.zipf is None:
        return np.full(intents, 1 / intents)
    share = 1 / np.arange(1, intents + 1) ** world.zipf
    return (share / share.sum())[world.generator(_PLACES).permutation(intents)]


def next_queries(world: World, domain: Domain, query: np.ndarray) -> pl.Series:
    """What the searcher of each ``query`` int64 [searches] tries next, if anything: string [searches].

    Raises:
        InputError: searchers drift, and there is no other intent to drift to.
    """
    texts, following = pl.Series(domain.intents.texts), pl.Series(follow_ups(domain)).gather(query)
    if not world.drift:
        return following
    share = query_shares(world, domain)
    if np.count_nonzero(share) < 2:
        raise InputError(f"world.drift is {world.drift}, but people ask one query only; set it to 0.")
    random = world.generator(_DRIFT)
    drifts = random.random(len(query)) < world.drift
    other = query.copy()
    while (same := np.flatnonzero(drifts & (other == query))).size:
        other[same] = random.choice(len(share), size=len(same), p=share)
    return following.zip_with(pl.Series(~drifts), texts.gather(other))


def respellings(texts: Sequence[str]) -> list[str]:
    """Every text in every spelling, spelling by spelling; one that would change the query keeps the text."""
    spelt = [(text, spell(text)) for spell in _SPELLINGS for text in texts]
    return [new if normalise(new) == normalise(text) else text for text, new in spelt]


def follow_ups(domain: Domain) -> list[str]:
    """Per intent the query a searcher tries next: other words for the same document, else fewer words."""
    positives = domain.intents.positives()
    by_document: dict[str, list[int]] = {}
    for row, doc_ids in enumerate(positives):
        for doc_id in doc_ids[:1]:
            by_document.setdefault(doc_id, []).append(row)
    texts = domain.intents.texts
    following = []
    for row, doc_ids in enumerate(positives):
        same = by_document[doc_ids[0]] if doc_ids else [row]
        other = same[(same.index(row) + 1) % len(same)]
        following.append(texts[other] if other != row else _shorter(texts[row]))
    return following


def _shorter(text: str) -> str:
    words = text.split()
    return " ".join(words[:-1]) if len(words) > 1 else f"what is {text}"


def _bot_sessions(world: World, searches: int) -> np.ndarray:
    """Sizes of the bot sessions, int64, summing to ``searches``."""
    low, high = world.bot_searches
    sizes = world.generator(_BOTS).integers(low, high + 1, searches // low + 1)
    sizes = sizes[np.cumsum(sizes) <= searches]
    rest = searches - int(sizes.sum())
    if len(sizes) and rest < low:
        sizes[-1] += rest
        return sizes
    return np.append(sizes, rest) if rest else sizes
