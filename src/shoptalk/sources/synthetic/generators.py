"""Who writes queries for a document: the protocol, and the offline writer by rules."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shoptalk.cache import digest, digest_texts
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.synthetic.material import Material, Order
from shoptalk.sources.synthetic.rules import RULES, Reading, initials
from shoptalk.sources.synthetic.statistics import Statistics
from shoptalk.sources.synthetic.turns import Turns, learned


@dataclass(frozen=True)
class Written:
    """A query and the way it was written: a rule's name, a prompt's name.

    Attributes:
        fault: why there is no query, where ``query`` is empty.
    """

    query: str
    form: str
    fault: str = ""


class Writer(Protocol):
    """Writes queries; what it writes for a document is a function of its order and ``seed``."""

    def write(self, orders: Sequence[Order], seed: int) -> list[list[Written]]:
        """For each order at most as many queries as it has forms."""
        ...


class Generator(Protocol):
    """Makes a writer for a corpus."""

    def prepared(self, material: Material) -> Writer:
        """A writer that has seen ``material``; an expensive one keeps what it wrote in its cache by document."""
        ...


class RulesGenerator:
    """Writes from a document's title and text by rules for English, and as real queries word such titles, where a run
    knows any; needs no model and no network.

    Args:
        shares: how much each rule of ``rules.RULES`` is preferred, any scale; a rule left out is not used.
            Where a rule does not apply to a document the next one is tried.
    """

    version = 2  # of rules, phrases, statistics and turns

    def __init__(self, shares: Mapping[str, float]):
        self.shares = {rule: float(share) for rule, share in shares.items() if share}
        for rule, share in self.shares.items():
            if rule not in RULES:
                raise InputError(f"generator.shares.{rule} is no rule; the rules are {', '.join(RULES)}.")
            if not 0 < share < float("inf"):
                raise InputError(f"generator.shares.{rule}={share} is no share; give a finite number, 0 or more.")
        if not self.shares:
            raise InputError("generator.shares are all 0; give at least one rule a share above 0.")

    def prepared(self, material: Material) -> "RulesWriter":
        """A writer with the corpus's word statistics and people's turns; nothing is cached, since it costs little."""
        corpus = material.corpus
        counted = Counter(filter(None, map(initials, corpus.titles)))
        real = material.real.select("query", "doc_id").iter_rows()
        turns = learned((corpus.titles[corpus.index[doc_id]], query) for query, doc_id in real)
        shares = {rule: share for rule, share in self.shares.items() if turns or rule != "spoken"}
        if "spoken" in shares:
            material.voice.say(
                f"Rules learned {len(turns)} turns of phrase from {material.real.height:,} real queries."
            )
        return RulesWriter(shares, Statistics(corpus.titles, corpus.texts), counted, material.form, turns)


@dataclass(frozen=True)
class RulesWriter:
    """The rules, bound to one corpus."""

    shares: Mapping[str, float]
    statistics: Statistics
    initials: Mapping[str, int]
    form: Callable[[str], str]
    turns: Turns

    def write(self, orders: Sequence[Order], seed: int) -> list[list[Written]]:
        """Different queries for each document, none equal to its title; those of a form asked for as far as there are.

        What is left over of a form that no rule gives goes to any other.
        """
        return [self._chosen(self._document(order.title, order.text, seed), order.forms) for order in orders]

    def _document(self, title: str, text: str, seed: int) -> list[Written]:
        """All that the rules give, in an order drawn by their shares."""
        rng = np.random.default_rng([seed, int(digest("rules", digest_texts([title, text]))[:12], 16)])
        share = np.array(list(self.shares.values()))
        order = np.argsort(rng.exponential(size=len(share)) / share)  # weighted, without replacement
        reading = Reading(title, text, self.statistics, self.initials, self.turns)
        found: dict[str, Written] = {normalise(title): Written(title, "title")}
        for rule in np.array(list(self.shares))[order]:
            query = RULES[rule](reading, rng)
            if query:
                found.setdefault(normalise(query), Written(query, str(rule)))
        return list(found.values())[1:]

    def _chosen(self, found: Sequence[Written], forms: Sequence[str | None]) -> list[Written]:
        asked = Counter(name for name in forms if name is not None)
        fitting = []
        for one in found if asked else ():
            if asked[name := self.form(one.query)] > 0:
                asked[name] -= 1
                fitting.append(one)
        return [*fitting, *(one for one in found if one not in fitting)][: len(forms)]
