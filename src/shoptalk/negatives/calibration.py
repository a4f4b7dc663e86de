"""From a teacher's logits to probabilities of relevance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged, Known
from shoptalk.errors import InputError
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.mined import Search

_ROUNDS = 100


@dataclass(frozen=True)
class Windows:
    """Queries with the corpus rows of their rank window (int64 [n, k], -1 for none) and which are relevant (bool)."""

    queries: Sequence[str]
    rows: np.ndarray
    labels: np.ndarray


def judged_windows(judged: Judged, corpus: Corpus, dense: Search, window: tuple[int, int], most: int) -> Windows:
    """The window of at most ``most`` judged queries, their documents of grade above 0 being relevant."""
    return _windows(judged.texts[:most], judged.positives()[:most], corpus, dense, window)


def paired_windows(
    pairs: pl.DataFrame, corpus: Corpus, known: Known, dense: Search, window: tuple[int, int], most: int, seed: int
) -> Windows:
    """The window of at most ``most`` training queries, drawn by (seed, query); known positives are relevant."""
    queries = pairs["query"].unique(maintain_order=True).to_list()
    order = np.argsort(pair_keys(queries, [""] * len(queries), seed), kind="stable")[:most]
    chosen = [queries[i] for i in order]
    return _windows(chosen, [sorted(known.documents(query)) for query in chosen], corpus, dense, window)


def _windows(
    queries: Sequence[str], relevant: Sequence[Sequence[str]], corpus: Corpus, dense: Search, window: tuple[int, int]
) -> Windows:
    """A relevant document outside its window stays out: candidates come from the window alone, and a
    probability must hold for them. Only where no window holds any, each query's best-graded document
    takes the window's last place.
    """
    low, high = window
    rows = dense(queries, min(high, len(corpus))).rows[:, low:]
    wanted = [[corpus.index[d] for d in line if d in corpus.index] for line in relevant]
    labels = np.array([np.isin(line, found) for line, found in zip(rows, wanted, strict=True)]).reshape(rows.shape)
    if not labels.any():
        for i, found in enumerate(wanted):
            if found:
                rows[i, -1], labels[i, -1] = found[0], True
    return Windows(list(queries), rows, labels)


@dataclass(frozen=True)
class Platt:
    """Probability = 1 / (1 + exp(-(slope * logit + bias))); ``slope`` >= 0."""

    slope: float
    bias: float

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Float32 probabilities of ``logits`` of any shape; NaN stays NaN."""
        z = np.asarray(logits, np.float64) * self.slope + self.bias
        return (0.5 * (1.0 + np.tanh(0.5 * z))).astype(np.float32)


def fit(logits: np.ndarray, labels: np.ndarray) -> Platt:
    """Platt's scaling (Platt 1999) by Newton's method (Lin, Lin and Weng 2007).

    The targets are Platt's, drawn in from 0 and 1 by one pseudo-count each, so that perfectly separated
    scores keep a finite slope. A slope below 0 would turn the teacher's order round: it becomes 0, and
    every document gets the base rate.

    Args:
        logits: [n], finite.
        labels: [n], 1 where relevant.

    Raises:
        InputError: only one class occurs, or a logit is not finite.
    """
    logits, positive = np.asarray(logits, np.float64), np.asarray(labels, bool)
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if not ones or not zeros:
        raise InputError(f"The teacher cannot be calibrated: {ones} relevant and {zeros} other documents were scored.")
    if not np.isfinite(logits).all():
        raise InputError("The teacher cannot be calibrated: its scores are not all finite; choose another teacher.")
    # Newton works on standardised logits: a teacher's scale and offset are its own affair.
    centre, scale = logits.mean(), logits.std() or 1.0
    target = np.where(positive, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    slope, bias = _newton((logits - centre) / scale, target)
    if slope < 0:
        slope, bias = 0.0, float(np.log((ones + 1) / (zeros + 1)))
    return Platt(float(slope / scale), float(bias - slope * centre / scale))


def auc(logits: np.ndarray, labels: np.ndarray) -> float:
    """Chance that a relevant document scores above another, ties counting half."""
    from scipy.stats import rankdata

    positive = np.asarray(labels, bool)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(logits)
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _newton(x: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Slope and bias of least mean cross-entropy; steps are halved until the loss falls."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    theta = np.array([0.0, np.log(target.mean() / (1 - target.mean()))])

    def loss(at: np.ndarray) -> float:
        z = design @ at
        return float((np.logaddexp(0, z) - target * z).mean())

    now = loss(theta)
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-(design @ theta)))
        gradient = design.T @ (p - target) / len(x)
        curvature = (design * (p * (1 - p))[:, None]).T @ design / len(x) + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while (then := loss(theta - step)) > now and np.abs(step).max() > 1e-12:
            step = step / 2
        theta = theta - step
        if now - then < 1e-13:
            break
        now = then
    return float(theta[0]), float(theta[1])
