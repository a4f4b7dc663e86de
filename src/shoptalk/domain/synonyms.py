"""Which synonyms of an ontology are queries, and why the others are not."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from shoptalk.domain.obo import Term
from shoptalk.domain.wording import without_numbers, words

KINDS = {"": "formal", "layperson": "layperson", "abbreviation": "abbreviation"}
"""Synonym type to query kind. Queries of any other type have no kind."""

_VARIANTS = {"plural_form": "removed_plural_form", "uk_spelling": "removed_uk_spelling"}


@dataclass(frozen=True)
class SynonymQuery:
    """One query: ``term`` is the id of the only term it means, ``component`` its group within the term.

    ``blind`` is the text as ``without_numbers`` gives it.
    """

    id: str
    term: str
    text: str
    kind: str | None
    component: int
    blind: str


def synonym_queries(terms: Sequence[Term], threshold: float = 0.6) -> tuple[list[SynonymQuery], dict[str, int]]:
    """Queries in file order, and how many synonyms were read and removed, by the first reason that applies.

    Removed, with texts compared by their ``words``: scope other than EXACT; plural forms; UK spellings; no
    letter or digit; the term's own name; any name or synonym (of any scope) of another term; an earlier query
    of the same term. All other types stay, obsolete synonyms among them: people still use those.
    """
    owners = _owners(terms)
    counts: Counter[str] = Counter(synonyms=sum(len(term.synonyms) for term in terms))
    queries: list[SynonymQuery] = []
    for term in terms:
        kept, name = {}, words(term.name)
        for synonym in term.synonyms:
            key = words(synonym.text)
            reason = _reason(synonym.scope, synonym.kind, key, name, len(owners[key]), key in kept)
            if reason:
                counts[reason] += 1
            else:
                kept[key] = synonym
        groups = components(list(kept), threshold)
        for number, (synonym, group) in enumerate(zip(kept.values(), groups, strict=True)):
            kind, blind = KINDS.get(synonym.kind), without_numbers(synonym.text)
            queries.append(SynonymQuery(f"{term.id}/{number}", term.id, synonym.text, kind, group, blind))
    kinds = Counter(f"queries_{query.kind or 'of_other_types'}" for query in queries)
    owning = len({query.term for query in queries})
    return queries, {**counts, "queries": len(queries), **kinds, "terms_with_queries": owning}


def components(keys: Sequence[str], threshold: float) -> list[int]:
    """Group number per text: texts whose Jaccard similarity reaches ``threshold``, directly or by a chain.

    Similarity is that of the sets of character 3-grams, with one space before and behind each text.
    """
    grams = [_grams(key) for key in keys]
    group = list(range(len(keys)))
    for i, left in enumerate(grams):
        for j in range(i):
            if group[i] != group[j] and len(left & grams[j]) / len(left | grams[j]) >= threshold:
                old, new = max(group[i], group[j]), min(group[i], group[j])
                group = [new if g == old else g for g in group]
    return group


def _grams(key: str) -> set[str]:
    padded = f" {key} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


def _owners(terms: Sequence[Term]) -> dict[str, set[str]]:
    owners: dict[str, set[str]] = defaultdict(set)
    for term in terms:
        for text in (term.name, *(synonym.text for synonym in term.synonyms)):
            owners[words(text)].add(term.id)
    return owners


def _reason(scope: str, kind: str, key: str, name: str, owners: int, repeated: bool) -> str | None:
    if scope != "EXACT":
        return "removed_not_exact"
    if kind in _VARIANTS:
        return _VARIANTS[kind]
    if not key:
        return "removed_no_words"
    if key == name:
        return "removed_same_as_name"
    if owners > 1:
        return "removed_several_terms"
    return "removed_repeated" if repeated else None
