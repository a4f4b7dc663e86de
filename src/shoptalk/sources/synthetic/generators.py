"""Who writes queries for a document: the protocol, and the offline writer by rules."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shoptalk.cache import Cache, digest, digest_texts
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.synthetic.rules import RULES, Reading, initials
from shoptalk.sources.synthetic.statistics import Statistics


@dataclass(frozen=True)
class Written:
    """A query and the way it was written: a rule's name, a prompt's name."""

    query: str
    form: str


class Writer(Protocol):
    """Writes queries; what it writes for a document is a function of the document, ``n`` and ``seed``."""

    def write(self, titles: Sequence[str], texts: Sequence[str], n: int, seed: int) -> list[list[Written]]:
        """At most ``n`` queries for each document, the best first."""
        ...


class Generator(Protocol):
    """Makes a writer for a corpus."""

    def prepared(self, corpus: Corpus, cache: Cache) -> Writer:
        """A writer that has seen ``corpus``; an expensive one keeps what it wrote in ``cache`` by document."""
        ...


class RulesGenerator:
    """Writes from a document's title and text alone, by rules for English; needs no model and no network.

    Args:
        shares: how much each rule of ``rules.RULES`` is preferred, any scale; a rule left out is not used.
            Where a rule does not apply to a document the next one is tried.
    """

    def __init__(self, shares: Mapping[str, float]):
        self.shares = {rule: float(share) for rule, share in shares.items() if share}
        for rule, share in self.shares.items():
            if rule not in RULES:
                raise InputError(f"generator.shares.{rule} is no rule; the rules are {', '.join(RULES)}.")
            if not 0 < share < float("inf"):
                raise InputError(f"generator.shares.{rule}={share} is no share; give a finite number, 0 or more.")
        if not self.shares:
            raise InputError("generator.shares are all 0; give at least one rule a share above 0.")

    def prepared(self, corpus: Corpus, cache: Cache) -> "RulesWriter":
        """A writer with the corpus's word statistics; nothing is cached, since writing costs little."""
        counted = Counter(filter(None, map(initials, corpus.titles)))
        return RulesWriter(self.shares, Statistics(corpus.titles, corpus.texts), counted)


@dataclass(frozen=True)
class RulesWriter:
    """The rules, bound to one corpus."""

    shares: Mapping[str, float]
    statistics: Statistics
    initials: Mapping[str, int]

    def write(self, titles: Sequence[str], texts: Sequence[str], n: int, seed: int) -> list[list[Written]]:
        """At most ``n`` different queries for each document, none equal to its title."""
        return [self._document(*document, n, seed) for document in zip(titles, texts, strict=True)]

    def _document(self, title: str, text: str, n: int, seed: int) -> list[Written]:
        rng = np.random.default_rng([seed, int(digest("rules", digest_texts([title, text]))[:12], 16)])
        share = np.array(list(self.shares.values()))
        order = np.argsort(rng.exponential(size=len(share)) / share)  # weighted, without replacement
        reading = Reading(title, text, self.statistics, self.initials)
        found: dict[str, Written] = {normalise(title): Written(title, "title")}
        for rule in np.array(list(self.shares))[order]:
            query = RULES[rule](reading, rng)
            if query and len(found) <= n:
                found.setdefault(normalise(query), Written(query, str(rule)))
        return list(found.values())[1:]
