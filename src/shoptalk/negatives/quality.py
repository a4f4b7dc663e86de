"""How good a teacher's probabilities are, on queries that neither it nor its calibration saw."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from shoptalk.domain.text import normalise
from shoptalk.negatives.calibration import Calibration, Curve
from shoptalk.negatives.draws import pair_keys

FOLDS = 5
BINS = 10


@dataclass(frozen=True)
class Evidence:
    """Scored documents whose relevance is known; columns of equal length.

    Attributes:
        queries: the query each document was scored for.
        logits: float [n], from a teacher that never saw the query.
        labels: bool [n], whether the document is relevant.
        weights: float [n], above 0; how many documents of the population one stands for.
        context: float [n, f], the figures of ``Context`` where a calibration wants them.
    """

    queries: Sequence[str]
    logits: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    context: np.ndarray | None = None

    @property
    def inputs(self) -> tuple[np.ndarray, np.ndarray | None]:
        """What a curve is called with."""
        return self.logits, self.context

    def at(self, rows: np.ndarray) -> "Evidence":
        """The documents at ``rows`` (int [m])."""
        columns = (self.logits, self.labels, self.weights, self.context)
        return Evidence([self.queries[i] for i in rows], *(c if c is None else c[rows] for c in columns))

    def joined(self, more: "Evidence") -> "Evidence":
        """These documents and then those of ``more``."""
        columns = ((self.logits, more.logits), (self.labels, more.labels), (self.weights, more.weights))
        both = None if self.context is None else np.concatenate([self.context, more.context])
        return Evidence([*self.queries, *more.queries], *map(np.concatenate, columns), both)

    def fitted(self, calibration: Calibration) -> Curve:
        """``calibration`` of these documents."""
        return calibration.fit(self.logits, self.labels, self.weights, self.context)


@dataclass(frozen=True)
class Reliability:
    """Documents in bins of equal weight by rising probability.

    Attributes:
        n: documents in each bin.
        share: of the whole weight.
        predicted: mean probability.
        relevant: share of relevant documents.
    """

    n: Sequence[int]
    share: Sequence[float]
    predicted: Sequence[float]
    relevant: Sequence[float]

    @classmethod
    def of(cls, probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray, bins: int = BINS) -> "Reliability":
        """At most ``bins`` bins; documents of one probability share their labels, as no order among them is told."""
        values, place = np.unique(probabilities, return_inverse=True)
        tied = np.bincount(place, weights * labels) / np.bincount(place, weights)
        order = np.argsort(place, kind="stable")
        weight, total = weights[order], weights.sum()
        number = np.minimum((np.cumsum(weight) - weight / 2) / total * bins, bins - 1).astype(np.int64)
        mass = np.bincount(number, weight, bins)
        full = mass > 0

        def mean(column: np.ndarray) -> list[float]:
            return (np.bincount(number, weight * column[place[order]], bins)[full] / mass[full]).tolist()

        n = np.bincount(number, minlength=bins)[full].tolist()
        return cls(n, (mass[full] / total).tolist(), mean(values), mean(tied))

    @property
    def ece(self) -> float:
        """Expected calibration error (Naeini et al. 2015): mean distance of predicted and true share, by weight."""
        pairs = zip(self.share, self.predicted, self.relevant, strict=True)
        return float(sum(share * abs(predicted - relevant) for share, predicted, relevant in pairs))


@dataclass(frozen=True)
class Quality:
    """Measures of a calibrated teacher, all fractions.

    Attributes:
        auc: see ``auc``; of the probabilities.
        brier: mean squared distance of probability and label; 0 is perfect.
        brier_skill: share of the Brier score of always saying ``base_rate`` that is gone; 1 is perfect, 0 useless.
        log_loss: mean cross-entropy in nats, of probabilities drawn in to [1e-7, 1 - 1e-7].
        ece: see ``Reliability.ece``.
    """

    auc: float
    brier: float
    brier_skill: float
    log_loss: float
    ece: float
    bins: Reliability

    @classmethod
    def of(cls, evidence: Evidence, probabilities: np.ndarray) -> "Quality":
        """Of ``probabilities`` [n] for the documents of ``evidence``."""
        p, labels = np.asarray(probabilities, np.float64), evidence.labels.astype(np.float64)
        share = evidence.weights / evidence.weights.sum()
        rate = float(share @ labels)
        brier = float(share @ (p - labels) ** 2)
        inner = p.clip(1e-7, 1 - 1e-7)
        loss = -float(share @ (labels * np.log(inner) + (1 - labels) * np.log1p(-inner)))
        bins = Reliability.of(p, labels, evidence.weights)
        return cls(
            auc(p, evidence.labels, evidence.weights), brier, 1 - brier / (rate * (1 - rate)), loss, bins.ece, bins
        )

    def told(self) -> dict[str, object]:
        """For ``metrics.json``; ``bins`` as one mapping per bin."""
        columns = asdict(self.bins)
        bins = [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]
        return asdict(self) | {"bins": bins}


def out_of_fold(evidence: Evidence, calibration: Calibration, folds: int = FOLDS) -> np.ndarray | None:
    """Probabilities [n], each from a calibration fitted without any document of its query.

    ``None`` where no such calibration exists: fewer than two queries have a relevant document, or nothing but
    relevant documents is left.
    """
    fold = _dealt(evidence, folds)
    probabilities = np.empty(len(fold))
    for number in range(fold.max(initial=0) + 1):
        inside, others = np.flatnonzero(fold == number), evidence.at(np.flatnonzero(fold != number))
        if others.labels.all() or not others.labels.any():
            return None
        probabilities[inside] = others.fitted(calibration)(*evidence.at(inside).inputs)
    return probabilities


def _dealt(evidence: Evidence, folds: int) -> np.ndarray:
    """Int64 [n]: each document's fold. Queries are dealt in turn, those with a relevant document first and else
    by the hash of their text, so that folds are alike; spellings of one query go to one fold."""
    names, query = np.unique([normalise(text) for text in evidence.queries], return_inverse=True)
    answered = np.bincount(query, evidence.labels) > 0
    order = np.lexsort((pair_keys(names.tolist(), [""] * len(names), 0), ~answered))
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return place[query] % max(1, min(folds, int(answered.sum())))


def auc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Chance that a relevant document scores above another, both drawn by weight, ties counting half."""
    positive = np.asarray(labels, bool)
    weights = np.ones(len(positive)) if weights is None else weights
    values, place = np.unique(scores, return_inverse=True)
    ones, zeros = (np.bincount(place, weights * chosen, len(values)) for chosen in (positive, ~positive))
    below = np.cumsum(zeros) - zeros
    return float(ones @ (below + zeros / 2) / (ones.sum() * zeros.sum()))
