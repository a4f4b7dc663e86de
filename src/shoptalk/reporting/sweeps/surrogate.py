"""A smooth surface over a simplex of three shares, fitted to scattered and noisy figures."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

REACH = 0.15
"""A mixture is known of where some trial lies this near: the share of the mixture that would have to move."""


@dataclass(frozen=True)
class Surface:
    """What a Gaussian process says of the mean figure.

    Attributes:
        shares: float [n, 3] in [0, 1], rows add up to 1.
        mean: float [n], in the units of the figures.
        deviation: float [n], one standard deviation of the mean, without the noise of a single figure.
        near: bool [n], whether a trial lies within ``REACH``.
        noise: standard deviation of a single figure about the surface.
        gain: twice what the surface adds to the logarithm of the likelihood, over noise about one mean.
    """

    shares: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    near: np.ndarray
    noise: float
    gain: float

    @property
    def told_apart(self) -> bool:
        """Whether mixtures differ: the likelihood-ratio test at 5 % for the two parameters of a surface."""
        return self.gain > 5.99

    def peak(self, maximised: bool) -> int:
        """Row of the best mean among those near a trial."""
        return int(np.argmax(np.where(self.near, self.mean if maximised else -self.mean, -np.inf)))


def fitted(seen: np.ndarray, figures: np.ndarray, at: np.ndarray) -> Surface:
    """Gaussian-process regression (Rasmussen and Williams 2006, ch. 2) with a Matérn 5/2 kernel and a noise term.

    Length scale, height and noise maximise the marginal likelihood from fixed starts, so that equal trials give equal
    surfaces.

    Args:
        seen: shares of the trials, float [m, 3].
        figures: float [m], not all equal.
        at: shares to predict at, float [n, 3].
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    middle, spread = figures.mean(), figures.std()
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(0.4, (0.1, 5.0), nu=2.5) + WhiteKernel(0.1, (1e-6, 2.0))
    process = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a bound reached: all noise, or none
        process.fit(seen, (figures - middle) / spread)
    mean, total = process.predict(at, return_std=True)
    noise = process.kernel_.k2.noise_level
    deviation = np.sqrt(np.maximum(total**2 - noise, 0))
    alone = -len(figures) / 2 * (np.log(2 * np.pi) + 1)  # figures of unit variance are nothing but noise
    gain = 2 * (process.log_marginal_likelihood_value_ - alone)
    mean, deviation, noise = middle + spread * mean, spread * deviation, spread * np.sqrt(noise)
    return Surface(at, mean, deviation, near(seen, at), float(noise), float(gain))


def near(seen: np.ndarray, at: np.ndarray) -> np.ndarray:
    """bool [n]: half the sum of differences in share to the nearest of ``seen`` is at most ``REACH``."""
    distance = np.abs(at[:, None] - seen[None]).sum(axis=2) / 2
    return distance.min(axis=1) <= REACH + 1e-9


def triangles(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners, float [steps², 3, 3], and centres, float [steps², 3], of the small triangles that tile the simplex."""
    corners: list[Any] = []
    for i in range(steps):
        for j in range(steps - i):
            here, right, up, across = (i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)
            corners.append((here, right, up))
            if i + j + 2 <= steps:
                corners.append((right, across, up))
    two = np.array(corners, dtype=float) / steps
    three = np.concatenate([two, 1 - two.sum(axis=2, keepdims=True)], axis=2)
    return three, three.mean(axis=1)
