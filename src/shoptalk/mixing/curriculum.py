"""Ratios that change along the stream."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from shoptalk.errors import InputError
from shoptalk.mixing.checks import number, share
from shoptalk.mixing.course import Course
from shoptalk.mixing.presets import Mixing, Weighted


class Curriculum(Mixing):
    """From one mixture to another: ratios linear in progress between waypoints.

    The user's ``ratios`` hold throughout, and the curriculum divides the rest.

    Args:
        at: progress of each waypoint, in [0, 1] and ascending. The same progress twice, within the stream, is a
            step from one mixture to the next.
        shares: per source its relative share at each waypoint, or one for all of them. Those of a waypoint are
            normalised over the chosen sources, as ``Weighted`` does, before they are joined.
    """

    def __init__(self, at: Sequence[float], shares: Mapping[str, Sequence[float] | float], **common):
        super().__init__(**common)
        self.at = _ascending(at)
        lines = {s: _line(s, line, len(self.at)) for s, line in shares.items()}
        for i, place in enumerate(self.at):
            if not any(line[i] for line in lines.values()):
                raise InputError(
                    f"mixing.shares are all 0 at {place:g}; give at least one source a share above 0 there."
                )
        self.waypoints = [
            Weighted({s: line[i] for s, line in lines.items()}, ratios=self.user) for i in range(len(self.at))
        ]

    def course(self, sizes: Mapping[str, int]) -> Course:
        """The waypoints' ratios, joined."""
        return Course.through(self.at, [waypoint.ratios(sizes) for waypoint in self.waypoints])


def _listed(value: Any) -> list[Any] | None:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else None


def _ascending(at: Any) -> list[float]:
    places = _listed(at)
    fits = places and all(number(place) and 0 <= place <= 1 for place in places) and places == sorted(places)
    if not fits or any(count > (1 if place in (0, 1) else 2) for place, count in Counter(places).items()):
        raise InputError(
            f"mixing.at={at} must list ascending numbers within [0, 1]; a step may name the same progress twice, "
            "but not 0 or 1."
        )
    return [float(place) for place in places]


def _line(source: str, line: Any, waypoints: int) -> list[float]:
    listed = _listed(line)
    values = [line] * waypoints if listed is None else listed
    if len(values) != waypoints:
        raise InputError(
            f"mixing.shares.{source} lists {len(values)} shares and mixing.at {waypoints} waypoints; "
            "give one share for each, or a single number for all."
        )
    return [share(f"mixing.shares.{source}", value) for value in values]
