"""How synthetic queries compare with those that people type: a table of figures and some to read."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import minimize
from scipy.spatial.distance import jensenshannon
from scipy.special import expit

from shoptalk.cache import digest
from shoptalk.domain.corpus import Corpus
from shoptalk.sources.pairs import Embed
from shoptalk.sources.synthetic.phrases import subjects

_MOST = 500  # queries of each kind that costly figures look at, drawn by hash
_READ = 20  # kept and rejected queries to read
_LONGEST = 20  # words; longer queries count as this long
_FOLDS = 5
_RARE = 0.01  # share of documents that a jargon word stands in at most


def quality(
    kept: pl.DataFrame, rejected: pl.DataFrame, real: pl.DataFrame, corpus: Corpus, embed: Embed
) -> dict[str, Any]:
    """Figures of the kept queries, JSON-able; those against real queries only where there are any.

    Args:
        kept: columns ``query``, ``doc_id``, ``query_form``.
        rejected: columns ``query``, ``doc_id``, ``reason``.
        real: training queries of people, columns ``query``, ``doc_id``, ``query_form``.
    """
    queries = kept["query"].to_list()
    told: dict[str, Any] = {
        "read": kept.height + rejected.height,
        "kept": kept.height,
        "rejected": dict(rejected.group_by("reason").len().sort("reason").iter_rows()),
        "documents": kept["doc_id"].n_unique(),
        "corpus_coverage": kept["doc_id"].n_unique() / len(corpus),
        "distinct_1": distinct(queries, 1),
        "distinct_2": distinct(queries, 2),
        "self_similarity": self_similarity(embed(_some(queries, "own"), "query")),
        "forms": _shares(kept["query_form"]),
        "words": _lengths(queries),
        "samples": _samples(kept, corpus, None) + _samples(rejected, corpus, "reason"),
    }
    if real.height:
        told["real"] = _against(queries, real, corpus, embed) | {"forms": _shares(real["query_form"])}
        told["real"]["form_divergence"] = divergence(told["forms"], told["real"]["forms"])
    return told


def _against(queries: Sequence[str], real: pl.DataFrame, corpus: Corpus, embed: Embed) -> dict[str, Any]:
    asked = real["query"].unique(maintain_order=True).to_list()
    ours, theirs = _some(queries, "own"), _some(asked, "real")
    return {
        "queries": len(asked),
        "distinct_1": distinct(asked, 1),
        "distinct_2": distinct(asked, 2),
        "self_similarity": self_similarity(embed(theirs, "query")),
        "words": _lengths(asked),
        "length_divergence": divergence(_lengths(queries), _lengths(asked)),
        "classifier_accuracy": told_apart(embed(ours, "query"), embed(theirs, "query")),
        "jargon_recall": jargon_recall(queries, asked, corpus),
    }


def distinct(queries: Sequence[str], n: int) -> float:
    """Different runs of n words over all of them, in [0, 1] (Li et al. 2016, distinct-n)."""
    runs = Counter(run for query in queries for run in _runs(query.lower().split(), n))
    return len(runs) / runs.total() if runs else 0.0


def self_similarity(vectors: np.ndarray) -> float:
    """Mean cosine of two different queries."""
    count = len(vectors)
    if count < 2:
        return 0.0
    total = float(np.square(vectors.sum(axis=0, dtype=np.float64)).sum())
    return (total - float(np.square(vectors, dtype=np.float64).sum())) / (count * (count - 1))


def divergence(own: dict[Any, float], other: dict[Any, float]) -> float:
    """Jensen-Shannon divergence of two shares in bits, 0 for equal ones and 1 for disjoint ones."""
    keys = sorted({*own, *other}, key=str)
    first, second = ([shares.get(key, 0.0) for key in keys] for shares in (own, other))
    return float(jensenshannon(first, second, base=2) ** 2)


def told_apart(own: np.ndarray, other: np.ndarray, penalty: float = 1.0) -> float:
    """How often a logistic regression on vectors tells real from synthetic: .5 where it cannot, 1 where always.

    As many of one as of the other; cross-validated in five folds. NaN with fewer than ten of each.
    """
    count = min(len(own), len(other))
    if count < 2 * _FOLDS:
        return float("nan")
    features = np.concatenate([own[:count], other[:count]]).astype(np.float64)
    labels = np.repeat([1.0, 0.0], count)
    folds = np.tile(np.arange(count) % _FOLDS, 2)
    right = 0
    for fold in range(_FOLDS):
        train = folds != fold
        weights = _logistic(features[train], labels[train], penalty)
        right += int(((_raised(features[~train]) @ weights > 0) == labels[~train]).sum())
    return right / len(labels)


def jargon_recall(queries: Sequence[str], real: Sequence[str], corpus: Corpus) -> float:
    """Share of real queries' rare words, by how often they are typed, that synthetic queries use too.

    Rare: a content word in at most 1 % of the documents. NaN without any.
    """
    spread = Counter(word for passage in corpus.passages for word in set(subjects(passage)))
    typed = Counter(word for query in real for word in set(subjects(query)) if spread[word] <= _RARE * len(corpus))
    used = {word for query in queries for word in subjects(query)}
    return sum(n for word, n in typed.items() if word in used) / typed.total() if typed else float("nan")


def _logistic(features: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """Weights, the last one free of the penalty."""
    raised, signs = _raised(features), 2 * labels - 1

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (raised @ weights)
        slope = -(signs * expit(-margins)) @ raised
        ridge = penalty * np.append(weights[:-1], 0.0)
        return np.logaddexp(0, -margins).sum() + ridge @ weights / 2, slope + ridge

    return minimize(loss, np.zeros(raised.shape[1]), jac=True, method="L-BFGS-B").x


def _raised(features: np.ndarray) -> np.ndarray:
    return np.column_stack([features, np.ones(len(features))])


def _some(queries: Sequence[str], salt: str) -> list[str]:
    return sorted(set(queries), key=lambda query: digest(salt, query))[:_MOST]


def _shares(values: pl.Series) -> dict[str, float]:
    counts = Counter(values.to_list())
    return {name: count / len(values) for name, count in sorted(counts.items())}


def _lengths(queries: Sequence[str]) -> dict[str, float]:
    counts = Counter(min(len(query.split()), _LONGEST) for query in queries)
    return {str(length): counts[length] / len(queries) for length in sorted(counts)}


def _samples(table: pl.DataFrame, corpus: Corpus, reason: str | None) -> list[dict[str, Any]]:
    order = sorted(range(table.height), key=lambda row: digest("read", *table.row(row)[:2]))[:_READ]
    return [
        {
            "query": row["query"],
            "title": corpus.titles[corpus.index[row["doc_id"]]] or corpus.texts[corpus.index[row["doc_id"]]][:80],
            "reason": row[reason] if reason else None,
        }
        for row in table[order].iter_rows(named=True)
    ]


def _runs(told: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(told[k : k + n]) for k in range(len(told) - n + 1)]
