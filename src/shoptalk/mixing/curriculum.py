"""Ratios that change along the stream."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from shoptalk.errors import InputError
from shoptalk.mixing.checks import share
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
        self.at = [share(f"mixing.at={list(at)}, of which", place) for place in at]
        _check_ascending(self.at)
        lines = {s: _line(s, line, len(self.at)) for s, line in shares.items()}
        for number, place in enumerate(self.at):
            if not any(line[number] for line in lines.values()):
                raise InputError(
                    f"mixing.shares are all 0 at {place:g}; give at least one source a share above 0 there."
                )
        self.waypoints = [
            Weighted({s: line[number] for s, line in lines.items()}, ratios=self.user) for number in range(len(self.at))
        ]

    def course(self, sizes: Mapping[str, int]) -> Course:
        """The waypoints' ratios, joined."""
        return Course.through(self.at, [waypoint.ratios(sizes) for waypoint in self.waypoints])


def _check_ascending(at: list[float]) -> None:
    often = any(count > (1 if place in (0, 1) else 2) for place, count in Counter(at).items())
    if not at or at != sorted(at) or at[-1] > 1 or often:
        raise InputError(
            f"mixing.at={at} must ascend from 0 or more to at most 1; a step may name the same progress twice, "
            "but not 0 or 1."
        )


def _line(source: str, line: Any, waypoints: int) -> list[float]:
    listed = isinstance(line, Sequence) and not isinstance(line, str)
    shares = [share(f"mixing.shares.{source}", value) for value in (line if listed else [line] * waypoints)]
    if len(shares) != waypoints:
        raise InputError(
            f"mixing.shares.{source} lists {len(shares)} shares and mixing.at {waypoints} waypoints; "
            "give one share for each, or a single number for all."
        )
    return shares
