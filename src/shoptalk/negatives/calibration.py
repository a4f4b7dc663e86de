"""From a teacher's logits to probabilities of relevance."""

from dataclasses import dataclass

import numpy as np

from shoptalk.errors import InputError

_ROUNDS = 100


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
        raise InputError("The teacher cannot be calibrated: it gave scores that are not finite; choose another teacher.")
    # Newton works on standardised logits: a teacher's scale and offset are its own affair.
    centre, scale = logits.mean(), logits.std() or 1.0
    target = np.where(positive, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    slope, bias = _newton((logits - centre) / scale, target)
    if slope < 0:
        slope, bias = 0.0, float(np.log((ones + 1) / (zeros + 1)))
    return Platt(slope / scale, bias - slope * centre / scale)


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
