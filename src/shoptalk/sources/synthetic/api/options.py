"""The options of a model behind an endpoint: each is checked before anything is asked."""

import math
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from shoptalk.errors import InputError, whole_number

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def whole(name: str, value: object) -> int:
    """A whole number of 1 or more."""
    return whole_number(f"generator.model.{name}", value)


def number(name: str, value: object, zero: bool = False) -> float:
    """A finite number above 0, or 0 where ``zero`` allows it."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if fits and (value > 0 or (zero and value == 0)):
        return float(value)
    least = "of 0 or more" if zero else "above 0"
    raise InputError(f"generator.model.{name}={value} is not possible; give a finite number {least}.")


def address(value: object) -> str:
    """The base address of an endpoint, without a slash at its end.

    A refused one is not repeated, since it may hold a password.
    """
    try:
        parts = urlsplit(str(value))
        usable = parts.scheme in ("http", "https") and parts.port != 0 and bool(parts.hostname.encode("idna"))
    except (ValueError, AttributeError):
        usable = False
    if not usable or re.search(r"\s", str(value)):
        raise InputError("generator.model.url is no address; give one like http://localhost:11434/v1.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InputError(
            "generator.model.url holds a password, a query or a fragment; give the address alone, "
            "and name the key's environment variable with generator.model.key_from."
        )
    return str(value).rstrip("/")


def variable(value: object) -> str | None:
    """The name of an environment variable; a refused one is not repeated, since it may be the key itself."""
    if value is None or VARIABLE.fullmatch(str(value)):
        return None if value is None else str(value)
    raise InputError(
        "generator.model.key_from is not the name of an environment variable; "
        "give a name of capitals, digits and _ that holds the key, never the key."
    )


def key(name: str | None, environment: Mapping[str, str]) -> str | None:
    """The key that the environment variable ``name`` holds."""
    if name is None:
        return None
    value = environment.get(name, "").strip()
    if not value:
        raise InputError(f"generator.model.key_from={name}: that environment variable is empty; put the key into it.")
    if not re.fullmatch(r"[!-~]+", value):
        raise InputError(
            f"generator.model.key_from={name}: its value is no key; a key is one word of plain characters."
        )
    return value
