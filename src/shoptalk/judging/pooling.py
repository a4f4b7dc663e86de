"""Which documents of a query are judged: the best of every arm, in an order that hides which arm found them."""

from collections.abc import Iterable, Sequence

import numpy as np

from shoptalk.domain.corpus import Corpus
from shoptalk.negatives.draws import pair_keys
from shoptalk.retrieval.ranked import Ranked


def pooled(queries: Sequence[str], found: Iterable[Ranked], corpus: Corpus, seed: int) -> list[list[str]]:
    """Per query the ids of all documents that any arm found, shuffled by (seed, query, document)."""
    rows = np.concatenate([ranked.rows for ranked in found], axis=1)
    return [
        shuffled(query, (corpus.ids[row] for row in set(line[line >= 0].tolist())), seed)
        for query, line in zip(queries, rows, strict=True)
    ]


def shuffled(query: str, doc_ids: Iterable[str], seed: int) -> list[str]:
    """Different ids in an order that is a function of (seed, query, id) and of nothing else."""
    ids = sorted(set(doc_ids))
    keys = pair_keys([query] * len(ids), ids, seed)
    return [ids[place] for place in np.argsort(keys, kind="stable")]
