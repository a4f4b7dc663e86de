"""From a teacher's logits to probabilities of relevance.

Every way to calibrate draws its targets or its probabilities in from 0 and 1 by one pseudo-count a class, as
Platt (1999) does, so that scores which separate the classes promise no certainty.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from shoptalk.errors import InputError

_ROUNDS = 100
_FLAT = 1e-9  # below it a slope or a spread is rounding
_LEAST = 2.0**-24  # the step of float32 below 1


class Curve(Protocol):
    """A fitted calibration; ``context`` [..., f] are the figures of ``Context`` where it was fitted with them."""

    @property
    def flat(self) -> bool:
        """Whether every logit gets the same probability."""
        ...

    def __call__(self, logits: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
        """Float32 probabilities of ``logits`` of any shape; NaN stays NaN."""
        ...


class Calibration(Protocol):
    """A way to calibrate.

    Attributes:
        in_context: whether it looks at more of a document than its logit: at the figures of ``Context``.
    """

    in_context: bool

    def fit(
        self,
        logits: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray | None = None,
        context: np.ndarray | None = None,
    ) -> Curve:
        """The curve that fits best.

        Args:
            logits: [n], finite.
            labels: [n], 1 where relevant.
            weights: [n], above 0; all 1 when not given. Their scale tells how much evidence there is.
            context: [n, f], finite, where ``in_context``.

        Raises:
            InputError: only one class occurs, or a logit is not finite.
        """
        ...


@dataclass(frozen=True)
class Sigmoid:
    """Probability = 1 / (1 + exp(-(slope * logit + bias))); ``slope`` >= 0."""

    slope: float
    bias: float

    @property
    def flat(self) -> bool:
        """Whether every logit gets the same probability."""
        return self.slope == 0

    def __call__(self, logits: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
        """Float32 probabilities of ``logits`` of any shape; NaN stays NaN."""
        z = np.asarray(logits, np.float64) * self.slope + self.bias
        # Rounded to float32, a sure one would be certain.
        return np.clip(0.5 * (1.0 + np.tanh(0.5 * z)), _LEAST, 1 - _LEAST).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Steps:
    """Probabilities at some logits [k], rising; straight between them and constant outside."""

    logits: np.ndarray
    probabilities: np.ndarray

    @property
    def flat(self) -> bool:
        """Whether every logit gets the same probability."""
        return self.probabilities[0] == self.probabilities[-1]

    def __call__(self, logits: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
        """Float32 probabilities of ``logits`` of any shape; NaN stays NaN."""
        # With a single known logit np.interp gives NaN a number.
        found = np.interp(logits, self.logits, self.probabilities)
        return np.where(np.isnan(logits), np.nan, found).astype(np.float32)


class Platt:
    """Platt's scaling (Platt 1999), a slope and a bias, by Newton's method (Lin, Lin and Weng 2007).

    A slope below 0 would turn the teacher's order round: it becomes 0, and every document gets one
    probability, the mean target.
    """

    in_context = False

    def fit(self, logits: np.ndarray, labels: np.ndarray, weights=None, context=None) -> Sigmoid:
        """See ``Calibration.fit``."""
        data = _Checked(logits, labels, weights)
        # Newton works on standardised logits: a teacher's scale and offset are its own affair.
        centre, scale = data.logits.mean(), data.logits.std() or 1.0
        x = (data.logits - centre) / scale
        slope, bias = _newton(np.stack([x, np.ones_like(x)], axis=1), data.target, data.weights)
        if slope < _FLAT:
            rate = np.average(data.target, weights=data.weights)  # the best fit of slope 0
            slope, bias = 0.0, np.log(rate / (1 - rate))
        return Sigmoid(float(slope / scale), float(bias - slope * centre / scale))


class Temperature:
    """One scale for all logits and no bias (Guo et al. 2017, section 4.2).

    It makes a teacher more or less sure and leaves its 0 at one half. So it cannot mend the base rate: a teacher
    that learned from one negative a positive and judges windows with one relevant document in thirty stays far
    too hopeful. A scale below 0 becomes 0, which gives every document one half.
    """

    in_context = False

    def fit(self, logits: np.ndarray, labels: np.ndarray, weights=None, context=None) -> Sigmoid:
        """See ``Calibration.fit``."""
        data = _Checked(logits, labels, weights)
        scale = np.abs(data.logits).max() or 1.0
        [slope] = _newton(data.logits[:, None] / scale, data.target, data.weights)
        return Sigmoid(max(0.0, float(slope / scale)), 0.0)


class Isotonic:
    """The rising step function of least squared error, by pooling adjacent violators (Zadrozny and Elkan 2002).

    It takes any shape and so needs more documents than two numbers do. Equal logits share one probability.
    """

    in_context = False

    def fit(self, logits: np.ndarray, labels: np.ndarray, weights=None, context=None) -> Steps:
        """See ``Calibration.fit``."""
        from scipy.optimize import isotonic_regression

        data = _Checked(logits, labels, weights)
        values, place = np.unique(data.logits, return_inverse=True)
        weight = np.bincount(place, data.weights)
        share = np.bincount(place, data.weights * data.positive) / weight
        fitted = isotonic_regression(share, weights=weight).x
        return Steps(values, fitted.clip(1 / (data.zeros + 2), (data.ones + 1) / (data.ones + 2)))


@dataclass(frozen=True, eq=False)
class Plane:
    """Probability = 1 / (1 + exp(-(weights · (logit, context) + bias))); ``weights`` [1 + f]."""

    weights: np.ndarray
    bias: float

    @property
    def flat(self) -> bool:
        """Whether every document gets the same probability."""
        return not self.weights.any()

    def __call__(self, logits: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
        """Float32 probabilities of ``logits`` of any shape; NaN stays NaN."""
        figures = np.concatenate([np.asarray(logits)[..., None], context], axis=-1).astype(np.float64)
        return Sigmoid(1.0, self.bias)(figures @ self.weights)


class InContext:
    """Logistic regression on the logit and the figures of ``Context``, with Platt's targets.

    What one logit means differs from query to query; beside the level of its query and the base model's rank it says
    more. Every standardised figure's coefficient has a standard normal prior, so that few judgments do not overfit.
    """

    in_context = True

    def fit(self, logits: np.ndarray, labels: np.ndarray, weights=None, context=None) -> Plane:
        """See ``Calibration.fit``."""
        data = _Checked(logits, labels, weights)
        figures = np.concatenate([data.logits[:, None], context], axis=1).astype(np.float64)
        if not np.isfinite(figures).all():
            raise InputError("The teacher cannot be calibrated: the base model's scores are not all finite.")
        centre = np.average(figures, axis=0, weights=data.weights)
        scale = np.sqrt(np.average((figures - centre) ** 2, axis=0, weights=data.weights))
        scale[scale < _FLAT] = 1.0  # what never varies, but for rounding
        design = np.concatenate([(figures - centre) / scale, np.ones((len(figures), 1))], axis=1)
        prior = np.append(np.ones(figures.shape[1]), 0.0)
        *slopes, bias = _newton(design, data.target, data.weights, prior)
        slopes = np.array(slopes) / scale
        return Plane(slopes, float(bias - slopes @ centre))


class _Checked:
    """What a calibration is fitted on, with the weight of each class and Platt's targets."""

    def __init__(self, logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None):
        self.logits, self.positive = np.asarray(logits, np.float64), np.asarray(labels, bool)
        self.weights = np.ones(len(self.logits)) if weights is None else np.asarray(weights, np.float64)
        relevant = int(self.positive.sum())
        if not 0 < relevant < len(self.positive):
            raise InputError(
                f"The teacher cannot be calibrated: {relevant} relevant and {len(self.positive) - relevant} other "
                "documents were scored, and it takes both; raise negatives.high, or judge more calibration queries."
            )
        if not np.isfinite(self.logits).all():
            raise InputError("The teacher cannot be calibrated: its scores are not all finite; choose another teacher.")
        self.ones = float(self.weights[self.positive].sum())
        self.zeros = float(self.weights[~self.positive].sum())
        self.target = np.where(self.positive, (self.ones + 1) / (self.ones + 2), 1 / (self.zeros + 2))


def _newton(design: np.ndarray, target: np.ndarray, weights: np.ndarray, prior: np.ndarray | float = 0.0) -> np.ndarray:
    """Coefficients [k] of least mean cross-entropy over ``design`` [n, k]; steps are halved until the loss falls.

    ``prior`` [k]: precision of each coefficient's normal prior, in documents.
    """
    total = weights.sum()
    share, theta, ridge = weights / total, np.zeros(design.shape[1]), prior / total

    def loss(at: np.ndarray) -> float:
        z = design @ at
        return float(share @ (np.logaddexp(0, z) - target * z) + (ridge * at**2).sum() / 2)

    now = loss(theta)
    for _ in range(_ROUNDS):
        p = 0.5 * (1 + np.tanh(0.5 * (design @ theta)))
        gradient = design.T @ (share * (p - target)) + ridge * theta
        curvature = (design * (share * p * (1 - p))[:, None]).T @ design + np.diag(np.broadcast_to(ridge, len(theta)))
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(theta)), gradient)
        while (then := loss(theta - step)) > now and np.abs(step).max() > 1e-12:
            step = step / 2
        theta = theta - step
        if now - then < 1e-13:
            break
        now = then
    return theta
