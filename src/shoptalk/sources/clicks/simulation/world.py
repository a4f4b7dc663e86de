"""The parameters of the simulated searchers and of the engine they search with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from shoptalk.errors import InputError


@dataclass(frozen=True)
class World:
    """A position-based click world: a click needs an examined and attractive document.

    Examination at rank k has the probability ``1 / k**eta``; a click on an examined document of relevance r
    in [0, 1] has ``noise_click + (sure_click - noise_click) * r``. Dwell times, reformulations and bots follow
    the usual simulation recipes (ULTRA; Joachims et al. 2017).

    Attributes:
        sessions: searches in the log; each shows at most ``list_length`` documents.
        mixtures: name of a mixed ranker to the weight of its lexical scores; the rest weighs the dense ones.
        mixture_noise: standard deviation of the noise on mixed scores, drawn anew for every search; the scores
            of either ranker span [0, 1] within a query.
        explored: share of lists with one slot drawn from the ranks ``list_length + 1`` to ``depth``.
        neighbour_relevance: relevance r of a document next to the relevant one in the ontology.
        dwell_relevant, dwell_other: medians of a log-normal in seconds (geometric mean for r between).
        dwell_censored: share of all clicks whose dwell was not seen; these are last clicks of their search.
        reformulated_satisfied, reformulated_otherwise: chance that another query follows.
        bots: share of searches made by bots, ``bot_searches`` in a session (a closed range), which click any
            row with the chance ``bot_click`` whatever its rank; ``bots_flagged`` of the bots carry the flag.
        respelled: share of searches typed in another case, with trailing blanks or a question mark.
    """

    seed: int = 0
    sessions: int = 300_000
    list_length: int = 10
    depth: int = 50
    mixtures: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"mixture_lexical": 0.7, "mixture_dense": 0.3})
    )
    mixture_noise: float = 0.1
    explored: float = 0.05
    eta: float = 1.0
    noise_click: float = 0.1
    sure_click: float = 1.0
    neighbour_relevance: float = 0.3
    dwell_relevant: float = 90.0
    dwell_other: float = 15.0
    dwell_sigma: float = 0.9
    dwell_censored: float = 0.2
    reformulated_satisfied: float = 0.15
    reformulated_otherwise: float = 0.6
    bots: float = 0.03
    bots_flagged: float = 0.5
    bot_click: float = 0.4
    bot_searches: tuple[int, int] = (120, 400)
    users: int = 60_000
    respelled: float = 0.2
    start_ms: int = 1_735_689_600_000
    days: int = 90

    def __post_init__(self) -> None:
        shares = [k for k, v in asdict_plain(self).items() if k in _SHARES and not 0 <= v <= 1]
        if shares:
            raise InputError(f"world.{shares[0]} is {getattr(self, shares[0])}; it must lie between 0 and 1.")
        if min(self.sessions, self.list_length, self.users, self.days) < 1 or self.depth < self.list_length:
            raise InputError("world: sessions, list_length, users, days must be 1 or more, depth at least list_length.")

    def examination(self) -> np.ndarray:
        """Chance of examination by rank, float64 [list_length]."""
        return 1.0 / np.arange(1, self.list_length + 1) ** self.eta

    def generator(self, *purpose: int) -> np.random.Generator:
        """Random numbers for one purpose, independent of every other purpose."""
        return np.random.Generator(np.random.SFC64([self.seed, *purpose]))

    def description(self) -> dict[str, object]:
        """All that determines this world, as plain values (for a cache key)."""
        return asdict_plain(self)


_SHARES = (
    "explored", "noise_click", "sure_click", "neighbour_relevance", "dwell_censored", "reformulated_satisfied",
    "reformulated_otherwise", "bots", "bots_flagged", "bot_click", "respelled",
)  # fmt: skip


def asdict_plain(world: World) -> dict[str, object]:
    """The fields with mappings and tuples as dicts and lists."""
    values = {name: getattr(world, name) for name in world.__dataclass_fields__}
    return values | {"mixtures": dict(world.mixtures), "bot_searches": list(world.bot_searches)}
