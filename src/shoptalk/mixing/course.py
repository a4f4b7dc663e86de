"""The ratios of the sources as functions of progress through the stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Course:
    """Ratios that are linear in progress along each of k legs, and step where a leg does not start as the last ended.

    Attributes:
        edges: float [k + 1], where the legs meet: ascending from 0 to 1.
        legs: per source float [k, 2], its ratio at the start and at the end of each leg, at least 0; the ratios
            of all sources sum to 1 everywhere.
    """

    edges: np.ndarray
    legs: Mapping[str, np.ndarray]

    @classmethod
    def through(cls, at: Sequence[float], ratios: Sequence[Mapping[str, float]]) -> "Course":
        """From waypoint to waypoint; the first ratios also hold before it, the last after it.

        Args:
            at: progress of each waypoint, in [0, 1] and ascending; two may be equal, which makes a step.
            ratios: at each waypoint those of all sources, sum 1.
        """
        points, waypoints = np.array([0.0, *at, 1.0]), [ratios[0], *ratios, ratios[-1]]
        kept = np.diff(points) > 0
        lines = {s: np.array([waypoint[s] for waypoint in waypoints]) for s in ratios[0]}
        legs = {s: np.stack([line[:-1], line[1:]], axis=1)[kept] for s, line in lines.items()}
        return cls(np.append(points[:-1][kept], 1.0), legs)

    @classmethod
    def constant(cls, ratios: Mapping[str, float]) -> "Course":
        """The same ratios everywhere."""
        return cls.through([0.0], [ratios])

    @property
    def steady(self) -> bool:
        """Whether every ratio is constant."""
        return all((line == line[0, 0]).all() for line in self.legs.values())

    def ratios(self, low: float = 0.0, high: float = 1.0) -> dict[str, float]:
        """Each source's mean ratio from progress ``low`` to ``high``; sums to 1."""
        return {s: max(0.0, float((self._area(s, high) - self._area(s, low)) / (high - low))) for s in self.legs}

    def places(self, source: str, count: int) -> np.ndarray:
        """Progress of a source's draws, float [count]: draw j stands where (j + 1/2) / count of its area is over."""
        shares = (np.arange(count) + 0.5) / max(count, 1)
        line = self.legs[source]
        if (line == line[0, 0]).all():
            return shares
        ends = self._areas(source)
        leg = np.searchsorted(ends, shares * ends[-1], side="right") - 1  # never one without area
        rest, start = shares * ends[-1] - ends[leg], line[leg, 0]
        # The root of slope / 2 · x² + start · x = rest that lies within the leg, in a form without cancellation.
        root = start + np.sqrt(np.maximum(start**2 + 2 * self._slopes(source)[leg] * rest, 0))
        return self.edges[leg] + np.divide(2 * rest, root, out=np.zeros(count), where=root > 0)

    def _slopes(self, source: str) -> np.ndarray:
        return np.diff(self.legs[source])[:, 0] / np.diff(self.edges)

    def _areas(self, source: str) -> np.ndarray:
        """Integral of the ratio from 0 to each edge, float [k + 1]."""
        return np.append(0.0, np.cumsum(np.diff(self.edges) * self.legs[source].mean(axis=1)))

    def _area(self, source: str, progress: float) -> float:
        """Integral of the ratio from 0 to ``progress``."""
        leg = min(int(np.searchsorted(self.edges, progress, side="right")) - 1, len(self.edges) - 2)
        x = progress - self.edges[leg]
        return self._areas(source)[leg] + x * (self.legs[source][leg, 0] + self._slopes(source)[leg] * x / 2)
