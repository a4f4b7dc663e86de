"""The parameters of the simulated searchers and of the engine they search with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType

import numpy as np

from shoptalk.errors import InputError
from shoptalk.sources.clicks.simulation.checks import require_number, require_share
from shoptalk.sources.clicks.simulation.click_models import ClickModel, PositionBased


@dataclass(frozen=True)
class World:
    """Everything that is assumed of searchers and engine; nothing of it is evidence.

    Dwell times, reformulations and bots follow the usual simulation recipes (ULTRA; Joachims et al. 2017).

    Attributes:
        sessions: searches in the log; each shows at most ``list_length`` documents.
        mixtures: name of a mixed ranker to the weight of its lexical scores; the rest weighs the dense ones.
        mixture_noise: standard deviation of the noise on mixed scores, drawn anew for every search; the scores
            of either ranker span [0, 1] within a query.
        explored: share of lists with one slot drawn from the ranks ``list_length + 1`` to ``depth``.
        click_model: how people go through a list and click.
        neighbour_relevance: relevance of a document next to the relevant one in the ontology.
        dwell_relevant, dwell_other: medians of a log-normal in seconds (geometric mean for relevances between).
        dwell_censored: share of all clicks whose dwell was not seen; these are last clicks of their search.
        reformulated_satisfied, reformulated_otherwise: chance that another query follows.
        drift: share of those queries that are about another intent, drawn by how often it is asked.
        zipf: where the domain has no traffic of its own, the query at place r = 1, 2, … of a random order is
            asked in proportion to ``1 / r**zipf``; ``None``: every query alike.
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
    click_model: ClickModel = field(default_factory=PositionBased)
    neighbour_relevance: float = 0.3
    dwell_relevant: float = 90.0
    dwell_other: float = 15.0
    dwell_sigma: float = 0.9
    dwell_censored: float = 0.2
    reformulated_satisfied: float = 0.15
    reformulated_otherwise: float = 0.6
    drift: float = 0.0
    zipf: float | None = None
    bots: float = 0.03
    bots_flagged: float = 0.5
    bot_click: float = 0.4
    bot_searches: tuple[int, int] = (120, 400)
    users: int = 60_000
    respelled: float = 0.2
    start_ms: int = 1_735_689_600_000
    days: int = 90

    def __post_init__(self) -> None:
        for name, kind in ((f.name, f.type) for f in fields(self) if f.type in (int, float)):
            require_number(f"world.{name}", getattr(self, name), kind)
        for name in _SHARES:
            require_share(f"world.{name}", getattr(self, name))
        for name, weight in self.mixtures.items():
            require_share(f"world.mixtures.{name}", weight)
        if self.zipf is not None:
            require_number("world.zipf", self.zipf)
        if min(self.sessions, self.list_length, self.users, self.days) < 1 or self.depth < self.list_length:
            raise InputError("world: sessions, list_length, users, days must be 1 or more, depth at least list_length.")
        if len(self.bot_searches) != 2 or not 1 <= self.bot_searches[0] <= self.bot_searches[1]:
            raise InputError(f"world.bot_searches is {list(self.bot_searches)}; give [least, most], 1 or more.")
        if min(self.dwell_relevant, self.dwell_other) == 0:
            raise InputError("world: dwell_relevant and dwell_other are medians in seconds and must be above 0.")

    def generator(self, *purpose: int) -> np.random.Generator:
        """Random numbers for one purpose, independent of every other purpose."""
        return np.random.Generator(np.random.SFC64([self.seed, *purpose]))

    def description(self) -> dict[str, object]:
        """All that determines this world, as plain values (for a cache key).

        Left out are ``drift`` and ``zipf`` where the world does without them, and the position-based model's name.
        """
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values |= {"mixtures": dict(self.mixtures), "bot_searches": list(self.bot_searches)}
        model = values.pop("click_model")
        if type(model) is not PositionBased:
            values["click_model"] = type(model).__name__
        unused = {name for name, none in (("drift", 0), ("zipf", None)) if values[name] == none}
        return {name: value for name, value in values.items() if name not in unused} | asdict(model)


_SHARES = (
    "explored", "neighbour_relevance", "dwell_censored", "reformulated_satisfied", "reformulated_otherwise", "drift",
    "bots", "bots_flagged", "bot_click", "respelled",
)  # fmt: skip
