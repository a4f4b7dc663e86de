"""Properties of a query by which the figures of an ontology are sliced."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from shoptalk.domain.obo import Term
from shoptalk.domain.wording import without_numbers, words

TEMPLATE_WORDS = 3
"""Length of the runs of words that make a template."""
TEMPLATE_TERMS = 10
"""Terms whose training queries must share a run before it counts as a template."""


def number_twins(terms: Sequence[Term]) -> set[str]:
    """Ids of the terms whose name is that of another term but for numbers ("4th finger", "5th finger")."""
    alike: dict[str, list[Term]] = defaultdict(list)
    for term in terms:
        alike[without_numbers(term.name)].append(term)
    groups = [group for group in alike.values() if len({words(term.name) for term in group}) > 1]
    return {term.id for group in groups for term in group}


def templates(training: Iterable[tuple[str, str]]) -> set[str]:
    """Runs of three words that stand in the training queries of ten terms or more.

    Args:
        training: (term id, query as ``without_numbers`` gives it) of the training side.
    """
    terms: dict[str, set[str]] = defaultdict(set)
    for term, blind in training:
        for run in _runs(blind):
            terms[run].add(term)
    return {run for run, ids in terms.items() if len(ids) >= TEMPLATE_TERMS}


def template_words(blind: Iterable[str], known: set[str]) -> list[str]:
    """``seen`` for a query that holds one of the ``known`` templates ("bone of the"), else ``novel``."""
    return ["novel" if known.isdisjoint(_runs(text)) else "seen" for text in blind]


def _runs(blind: str) -> list[str]:
    parts = blind.split()
    return [" ".join(parts[at : at + TEMPLATE_WORDS]) for at in range(len(parts) - TEMPLATE_WORDS + 1)]
