"""From a domain and its sources to the integers a run trains on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Known
from shoptalk.errors import InputError
from shoptalk.models.ragged import Ragged
from shoptalk.negatives.mined import Mine
from shoptalk.negatives.pseudo import PseudoPositives
from shoptalk.sources.pairs import SCHEMA, Ground, Source, Yielded, as_pairs, without_evaluation
from shoptalk.training.batches import Examples, Guide


@dataclass(frozen=True)
class Gathered:
    """What all chosen sources gave together.

    Attributes:
        domain: the domain, its corpus extended by what sources brought.
        pairs: all sources' pairs, one below the other, evaluation queries removed.
        given: the user's own negatives, ``query`` and ``doc_id``.
        rejected: source to rows left out, column ``reason`` among them.
        counts: source to what was read, kept and left out.
        yielded: source to all it gave.
    """

    domain: Domain
    pairs: pl.DataFrame
    given: pl.DataFrame
    rejected: Mapping[str, pl.DataFrame]
    counts: Mapping[str, Mapping[str, int]]
    notices: Sequence[str] = field(default_factory=list)
    yielded: Mapping[str, Yielded] = field(default_factory=dict)

    @property
    def known(self) -> Known:
        """Known positives of a run that trains on these pairs."""
        return Known.of(self.domain, self.pairs.select("query", "doc_id").iter_rows())

    def distinct(self) -> pl.DataFrame:
        """One row per (query, document), whichever source it came from; what negatives are mined for."""
        return self.pairs.unique(["query", "doc_id"], keep="first", maintain_order=True)


def gather(sources: Mapping[str, Source], ground: Ground) -> Gathered:
    """Read every source; drop and count pairs whose query is an evaluation query.

    Raises:
        InputError: a source has nothing to train on.
    """
    if not sources:
        raise InputError("No source is chosen: name at least one, as in data=labels.")
    tables, first, given, rejected, counts, notices, yielded = [], [], [], {}, {}, [], {}
    corpus = ground.domain.corpus
    for name, source in sorted(sources.items(), key=lambda item: _after_others(item[1])):
        found = source.read(name, replace(ground, others=pl.concat(first) if first else None))
        kept, leaks = without_evaluation(found.pairs, ground.domain)
        kept = kept.with_columns(query_form=pl.Series([ground.form(query) for query in kept["query"]], dtype=pl.String))
        if kept.is_empty():
            raise InputError(f"data.sources.{name} leaves no pair to train on: {_explained(found, leaks)}.")
        tables.append(kept)
        first += [] if _after_others(source) else [kept]
        given += [] if found.negatives is None else [found.negatives.select("query", "doc_id")]
        rejected[name] = _with_leaks(found.rejected, leaks)
        counts[name] = {**found.counts, "evaluation query": leaks.height, "pairs": kept.height}
        notices += list(found.notices)
        yielded[name] = found
        corpus = corpus.extended(_new(found.documents, corpus)) if found.documents is not None else corpus
    negatives = pl.concat(given) if given else pl.DataFrame(schema={"query": pl.String, "doc_id": pl.String})
    whole = replace(ground.domain, corpus=corpus)
    return Gathered(whole, pl.concat(tables), negatives, rejected, counts, notices, yielded)


def _after_others(source: Source) -> bool:
    return getattr(source, "after_others", False)


def with_pseudo_positives(found: Gathered, wanted: PseudoPositives, ask: Mine) -> Gathered:
    """``found`` with a pair for each of its unlabelled queries that the teacher is sure of, in the source that told it.

    Weights are 1 before they are scaled to mean 1 within their source; ``teacher_score`` holds the probability.
    """
    evaluation, tables, counts, notices = found.domain.evaluation_queries(), [], dict(found.counts), []
    for (source,), pairs in found.pairs.group_by("source", maintain_order=True):
        asked = found.yielded[source].unlabelled
        if not asked:
            tables.append(pairs)
            continue
        made = wanted(asked, ask, evaluation)
        whole = pl.concat([pairs, made.pairs.with_columns(weight=pl.lit(1.0, pl.Float32))], how="diagonal")
        tables.append(as_pairs(whole, source))
        left_out = {f"unlabelled {reason}": count for reason, count in made.counts.items()}
        counts[source] = {**counts[source], **left_out, "pseudo-positives": made.pairs.height}
        notices.append(f"The teacher is sure of a document for {made.pairs.height:,} of {len(asked):,} queries of "
                       f"{source} that no pair answers; they are pairs now.")  # fmt: skip
    if not notices:
        raise InputError("pseudo_positives=confident finds no unlabelled query, which only click logs bring: add "
                         "clicks to data=, or choose pseudo_positives=none.")  # fmt: skip
    return replace(found, pairs=pl.concat(tables), counts=counts, notices=[*found.notices, *notices])


def _explained(found: Yielded, leaks: pl.DataFrame) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in found.counts.items())
    return f"{counts or 'it yields none'}; {leaks.height} were evaluation queries"


def _with_leaks(rejected: pl.DataFrame | None, leaks: pl.DataFrame) -> pl.DataFrame:
    leaks = leaks.select("query", "doc_id", reason=pl.lit("evaluation query"))
    return leaks if rejected is None else pl.concat([rejected, leaks], how="diagonal_relaxed")


def _new(documents: Corpus, corpus: Corpus) -> Corpus:
    return documents.take([row for row, doc_id in enumerate(documents.ids) if doc_id not in corpus.index])


def with_given(mined: pl.DataFrame, given: pl.DataFrame, known: Known) -> pl.DataFrame:
    """``mined`` with the user's own negatives in front, by the miner "given", known positives among them left out."""
    if given.is_empty():
        return mined
    own: dict[str, list[str]] = {}
    for query, doc_id in given.iter_rows():
        if doc_id not in known.documents(query):
            own.setdefault(query, []).append(doc_id)
    rows = []
    for row in mined.iter_rows(named=True):
        front = own.get(row["query"], [])
        keep = [i for i, doc_id in enumerate(row["negatives"]) if doc_id not in front]
        for column, filler in (
            ("negatives", front),
            ("scores", [None] * len(front)),
            ("probabilities", [None] * len(front)),
            ("ranks", [None] * len(front)),
            ("miners", ["given"] * len(front)),
        ):
            row[column] = None if row[column] is None else [*filler, *(row[column][i] for i in keep)]
        rows.append(row)
    return pl.DataFrame(rows, schema=mined.schema)


def examples(
    pairs: pl.DataFrame,
    negatives: pl.DataFrame,
    order: np.ndarray,
    corpus: Corpus,
    known: Known,
    tokens: Callable[[Sequence[str], str], Ragged],
    embed: Callable[[Sequence[str], str], np.ndarray] | None = None,
    temperatures: Mapping[str, float] | None = None,
) -> Examples:
    """Tokens, corpus rows and known positives of every pair; ``negatives`` is per distinct pair.

    Documents with the same passage count as one, so that a copy of a positive is no negative.

    Args:
        tokens: texts and kind to token ids.
        embed: the guide's vectors; ``None`` without a guide.
        temperatures: source to the temperature of its pairs, where that is not the run's.
    """
    assert pairs.schema == SCHEMA
    index = _first_copies(corpus)
    rows, teacher = _negatives_of(pairs, negatives, index)
    queries = pairs["query"].unique(maintain_order=True)
    number = pairs["query"].replace_strict(queries, np.arange(len(queries)), return_dtype=pl.Int64).to_numpy()
    rows_known = {q: _rows(known.documents(q), index) for q in queries}
    return Examples(
        query_tokens=tokens(queries.to_list(), "query").take(number),
        document_tokens=tokens(corpus.passages, "document"),
        positives=np.array([index[d] for d in pairs["doc_id"]], dtype=np.int64),
        weights=pairs["weight"].to_numpy().copy(),
        negatives=rows,
        known=[rows_known[q] for q in pairs["query"]],
        order=order,
        sources=pairs["source"].rank("dense").to_numpy().astype(np.int64),
        teacher=teacher,
        guide=embed and Guide(embed(queries.to_list(), "query")[number], embed(corpus.passages, "document")),
        own_temperatures=_own_temperatures(pairs, temperatures) if temperatures else None,
    )


def _own_temperatures(pairs: pl.DataFrame, temperatures: Mapping[str, float]) -> np.ndarray:
    return np.array([temperatures.get(source, np.nan) for source in pairs["source"]], np.float32)


def negatives_of(
    pairs: pl.DataFrame, negatives: pl.DataFrame, corpus: Corpus
) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
    """Corpus rows of the negatives of each of ``pairs``, and the teacher's logits where it was asked for them."""
    return _negatives_of(pairs, negatives, _first_copies(corpus))


def _negatives_of(pairs: pl.DataFrame, negatives: pl.DataFrame, index: Mapping[str, int]):
    mined = {(row["query"], row["doc_id"]): row for row in negatives.iter_rows(named=True)}
    of_pair = [mined[key] for key in pairs.select("query", "doc_id").iter_rows()]
    judged = "teacher" in negatives.columns
    teacher = [np.array(row["teacher"], np.float32) for row in of_pair] if judged else None
    return [_rows(row["negatives"], index) for row in of_pair], teacher


def _first_copies(corpus: Corpus) -> dict[str, int]:
    """Each document's row, that of the first with the same passage where there are several."""
    first: dict[str, int] = {}
    return {
        d: first.setdefault(text, row) for row, (d, text) in enumerate(zip(corpus.ids, corpus.passages, strict=True))
    }


def _rows(doc_ids, index: Mapping[str, int]) -> np.ndarray:
    found = [index[d] for d in (sorted(doc_ids) if isinstance(doc_ids, set) else doc_ids) if d in index]
    return np.array(found, dtype=np.int64)
