"""Logits of (query, corpus row), each from a teacher that never saw the query."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from shoptalk.cache import Cache, digest, digest_texts
from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.negatives.crossfit import fold_of
from shoptalk.negatives.outputs import Reader, as_they_are


class Scores:
    """Cached logits; teacher ``i`` judges the queries of fold ``i``.

    Args:
        models: per fold a callable that gives its cross-encoder, called when something must be scored.
        key: hash of all that determines a score beside query and corpus row.
        read: a model's scores to logits.
    """

    def __init__(
        self,
        models: Sequence[Callable[[], object]],
        corpus: Corpus,
        cache: Cache,
        key: str,
        progress,
        read: Reader = as_they_are,
    ):
        self.models, self.corpus, self.cache, self.key, self.progress = models, corpus, cache, key, progress
        self.read = read
        self._loaded: dict[int, object] = {}

    def __call__(self, queries: Sequence[str], rows: np.ndarray) -> np.ndarray:
        """Float32 logits like ``rows`` [n, k], NaN where a row is -1; a question asked twice is scored once."""
        line, column = np.nonzero(rows >= 0)
        names, number = np.unique(np.array(queries, dtype=object)[line], return_inverse=True)
        asked, back = np.unique(np.stack([number, rows[line, column]]), axis=1, return_inverse=True)
        logits = np.full(rows.shape, np.nan, np.float32)
        if len(line):
            logits[line, column] = self._cached(names.tolist(), *asked)[back.reshape(-1)]
        return self.read(logits)

    def _cached(self, names: Sequence[str], number: np.ndarray, rows: np.ndarray) -> np.ndarray:
        content = hashlib.sha256(np.stack([number, rows]).astype("<i8").tobytes()).hexdigest()
        key = digest("teacher scores", self.key, digest_texts(names), content)
        return self.cache.array("teacher-scores", key, lambda: self._scored(names, number, rows))

    def _scored(self, names: Sequence[str], number: np.ndarray, rows: np.ndarray) -> np.ndarray:
        fold = fold_of(names, len(self.models))[number]
        logits = np.empty(len(rows), np.float32)
        for i in range(len(self.models)):
            chosen = np.flatnonzero(fold == i)
            if not len(chosen):
                continue
            texts = [names[n] for n in number[chosen]], [self.corpus.passages[row] for row in rows[chosen]]
            model = self._model(i)
            with self.progress(f"judging {len(chosen):,} candidates, part {i + 1} of {len(self.models)}") as tell:
                logits[chosen] = model.score(*texts, progress=tell)
        if not np.isfinite(logits).all():
            raise InputError("The teacher gave scores that are not finite; choose another teacher.")
        return logits

    def _model(self, fold: int):
        if fold not in self._loaded:
            self._loaded[fold] = self.models[fold]()
        return self._loaded[fold]
