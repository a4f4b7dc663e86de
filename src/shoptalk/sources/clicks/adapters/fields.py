"""One object of a log and its place: values by name, each checked for what it must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.adapter import naming
from shoptalk.sources.clicks.adapters.reading import parsed, place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = (600_000_000, 100_000_000_000)  # from 1989 on, in seconds; as milliseconds: before 1973
_FAR_MS = 100_000_000_000_000  # the year 5138
DEEPEST = 32_767
"""The largest position that the schema holds."""


@dataclass(frozen=True)
class Fields:
    """Values under names of ours, which ``columns`` maps to the file's; a name with dots leads into objects, which
    may also stand as JSON text. Missing values, null and empty texts are ``None``.

    Every method but ``has`` raises ``InputError`` for a value that is not what it must be.
    """

    path: Path
    number: int
    values: Mapping[str, Any]
    columns: Mapping[str, str]

    def inner(self, values: Mapping[str, Any]) -> Fields:
        """An object at the same place."""
        return replace(self, values=values)

    def refused(self, name: str, said: str) -> InputError:
        """A sentence about one value."""
        return InputError(f"{place(self.path, self.number, self._column(name))}: {said}.")

    def has(self, name: str) -> bool:
        """Whether the object has the name, filled or not."""
        return self._column(name) in self.values

    def required(self, name: str) -> None:
        """Refuse an object without the name."""
        if not self.has(name):
            raise self.refused(name, f"is missing; add it or name yours by {naming('sessions', name)}")

    def value(self, name: str) -> Any:
        """Whatever stands there."""
        found = self._dig(name, self.values, self._column(name))
        return None if found == "" else found

    def text(self, name: str) -> str | None:
        """A text."""
        found = self.value(name)
        if found is not None and not isinstance(found, str):
            raise self.refused(name, f"{_shown(found)} is not a text; write it as one")
        return found

    def id(self, name: str) -> str | None:
        """A text, or a whole number turned into one."""
        return self._id(name, self.value(name))

    def ids(self, name: str) -> list[str] | None:
        """A list of ids, or its JSON text."""
        found = self.listed(name)
        return None if found is None else [self._id(name, entry, needed=True) for entry in found]

    def listed(self, name: str) -> list[Any] | None:
        """A list of anything, or its JSON text."""
        found = self.value(name)
        if isinstance(found, str):
            found = self._parsed(name, found)
        if found is not None and not isinstance(found, list):
            raise self.refused(name, f"{_shown(found)} is not a list; write it as one, even with a single entry")
        return found

    def objects(self, name: str) -> list[Fields]:
        """A list of objects; empty where there is none."""
        found = self.listed(name) or []
        for entry in found:
            if not isinstance(entry, Mapping):
                raise self.refused(name, f"{_shown(entry)} is not an object with named values")
        return [self.inner(entry) for entry in found]

    def numeric(self, name: str) -> float | None:
        """A finite number, 0 or more."""
        found = self.value(name)
        if found is None:
            return None
        number = _number(found)
        if not math.isfinite(number) or number > 1e30:
            raise self.refused(name, f"{_shown(found)} is not a finite number")
        if number < 0:
            raise self.refused(name, f"{_shown(found)} is negative; it must be 0 or more, and empty if it was not seen")
        return number

    def rank(self, name: str, first: int) -> int | None:
        """A whole number from ``first`` on, the number of the first rank."""
        found = self.value(name)
        if found is None:
            return None
        number = _number(found)
        if not number.is_integer() or abs(number) > DEEPEST:
            raise self.refused(name, f"{_shown(found)} is not a whole number up to {DEEPEST:,}")
        if number < first:
            raise self.refused(name, below(int(number), first))
        return int(number)

    def flag(self, name: str) -> bool | None:
        """Yes or no, as a boolean, 0 or 1, or such a text."""
        found = self.value(name)
        flags = {"true": True, "false": False, "1": True, "0": False, "none": None}
        if str(found).lower() not in flags:
            raise self.refused(name, f"{_shown(found)} is not true or false")
        return flags[str(found).lower()]

    def time_ms(self, name: str) -> int | None:
        """UTC milliseconds since 1970, given so or as ISO 8601 (UTC where it names no zone)."""
        found = self.value(name)
        if found is None:
            return None
        try:
            time = _moment(found)
            time = math.floor(_number(found)) if time is None else (time - _EPOCH) // timedelta(milliseconds=1)
        except (ValueError, OverflowError):
            raise self.refused(name, f"{_shown(found)} is no time; write ISO 8601 or milliseconds since 1970") from None
        if _SECONDS[0] <= time < _SECONDS[1]:
            raise self.refused(name, f"{_shown(found)} looks like seconds; write milliseconds: multiply by 1000")
        if not 0 <= time < _FAR_MS:
            raise self.refused(name, f"{_shown(found)} does not lie between 1970 and 5138 in milliseconds since 1970")
        return time

    def _column(self, name: str) -> str:
        return self.columns.get(name, name)

    def _id(self, name: str, value: Any, needed: bool = False) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if (isinstance(value, str) and value) or (value is None and not needed):
            return value
        raise self.refused(name, f"{_shown(value)} is not an id; write a text or a whole number")

    def _dig(self, name: str, values: Mapping[str, Any], path: str) -> Any:
        if path in values:
            return values[path]
        parts = path.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            inner = values.get(".".join(parts[:cut]))
            if inner is None or inner == "":
                continue
            if isinstance(inner, str):
                inner = self._parsed(name, inner)
            if not isinstance(inner, Mapping):
                raise self.refused(name, f"{_shown(inner)} is not an object with named values")
            return self._dig(name, inner, ".".join(parts[cut:]))
        return None

    def _parsed(self, name: str, text: str) -> Any:
        try:
            return parsed(text)
        except ValueError:
            raise self.refused(name, f"{_shown(text)} is not valid JSON") from None


def below(position: int, first: int) -> str:
    """What is said of a position above the first rank."""
    if first == 1 and position == 0:
        return "position 0 is below 1; set position_base=0 for a log that counts from 0"
    return f"position {position} is below {first}, the first rank's number (position_base={first})"


def _moment(value: Any) -> datetime | None:
    """The time that is not a number."""
    if isinstance(value, str) and math.isnan(_number(value)):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return None


def _number(value: Any) -> float:
    """NaN for what is none."""
    try:
        return math.nan if isinstance(value, bool) or "_" in str(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
