"""An ontology as documents, queries and relations; parsed once, then read from the cache."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from shoptalk.cache import Cache, digest, digest_file
from shoptalk.domain.obo import Term, read_terms
from shoptalk.domain.slices import number_twins
from shoptalk.domain.synonyms import SynonymQuery, synonym_queries
from shoptalk.errors import InputError

_FORMAT = 2
_QUERIES = {
    "id": pl.String,
    "term": pl.String,
    "text": pl.String,
    "kind": pl.String,
    "component": pl.Int64,
    "blind": pl.String,
}


@dataclass(frozen=True)
class Ontology:
    """What one OBO file gives, the same for every seed.

    ``ids``, ``names``, ``definitions`` (maybe empty) and ``neighbours`` (parents, children and siblings) run
    over the living terms; ``sections`` tells the names of each term's sections (see there); ``twins`` are ids of
    terms whose name differs from another's in numbers alone; ``sha256`` is that of the file.
    """

    ids: Sequence[str]
    names: Sequence[str]
    definitions: Sequence[str]
    neighbours: Sequence[Sequence[str]]
    sections: Sequence[Sequence[str]]
    queries: Sequence[SynonymQuery]
    twins: set[str]
    counts: dict[str, int]
    sha256: str


def read_ontology(path: Path, cache: Cache) -> Ontology:
    """The ontology of an OBO file.

    Raises:
        InputError: the file cannot be read, is not valid OBO, or holds no living term.
    """
    try:
        sha256 = digest_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give an existing OBO file.") from error
    folder = cache.folder("ontology", digest(_FORMAT, sha256), lambda work: _parse(path, work))
    terms = pl.read_parquet(folder / "terms.parquet")
    queries = [SynonymQuery(*row) for row in pl.read_parquet(folder / "queries.parquet").iter_rows()]
    twins = set(terms.filter("number_twin")["id"])
    counts = json.loads((folder / "counts.json").read_text())
    columns = (terms[name].to_list() for name in ("id", "name", "definition", "neighbours", "sections"))
    return Ontology(*columns, queries, twins, counts, sha256)


def _parse(path: Path, work: Path) -> None:
    terms, obsolete = read_terms(path)
    if not terms:
        raise InputError(f"{path}: holds no living term; give an OBO file with [Term] frames.")
    queries, counts = synonym_queries(terms)
    _terms_table(terms).write_parquet(work / "terms.parquet")
    pl.DataFrame([vars(query) for query in queries], schema=_QUERIES).write_parquet(work / "queries.parquet")
    defined = sum(bool(term.definition) for term in terms)
    totals = {"terms": len(terms), "removed_obsolete_terms": obsolete, "terms_with_definition": defined}
    (work / "counts.json").write_text(json.dumps({**totals, **counts}))


def _terms_table(terms: Sequence[Term]) -> pl.DataFrame:
    near, parts, twins = neighbours(terms), sections(terms), number_twins(terms)
    columns = {
        "id": [term.id for term in terms],
        "name": [term.name for term in terms],
        "definition": [term.definition for term in terms],
        "neighbours": [near[term.id] for term in terms],
        "sections": [parts[term.id] for term in terms],
        "number_twin": [term.id in twins for term in terms],
    }
    return pl.DataFrame(columns, schema_overrides=dict.fromkeys(("neighbours", "sections"), pl.List(pl.String)))


def neighbours(terms: Sequence[Term]) -> dict[str, list[str]]:
    """Term to its living parents, children and siblings: all of them, sorted, without itself."""
    children, related = _children(terms), {}
    for term in terms:
        siblings = (sibling for parent in term.parents for sibling in children[parent])
        related[term.id] = {*term.parents, *children[term.id], *siblings} - {term.id}
    return {doc_id: sorted(near & related.keys()) for doc_id, near in related.items()}


def sections(terms: Sequence[Term]) -> dict[str, list[str]]:
    """Term to the names of the sections it belongs to, sorted: children of the children of a root, and all below them.

    A root has no living parent. In the Human Phenotype Ontology these are its organ systems ("Abnormality of the
    eye") and some small ones; a term may belong to several, and those above them belong to none.
    """
    children, living = _children(terms), {term.id for term in terms}
    level = {term.id for term in terms if living.isdisjoint(term.parents)}
    for _ in range(2):
        level = {child for parent in level for child in children[parent]}
    names: dict[str, set[str]] = {term.id: set() for term in terms}
    for top in (term for term in terms if term.id in level):
        below = [top.id]
        while below:
            doc_id = below.pop()
            if top.name not in names[doc_id]:
                names[doc_id].add(top.name)
                below += children[doc_id]
    return {doc_id: sorted(found) for doc_id, found in names.items()}


def _children(terms: Sequence[Term]) -> dict[str, list[str]]:
    children: dict[str, list[str]] = defaultdict(list)
    for term in terms:
        for parent in term.parents:
            children[parent].append(term.id)
    return children
