"""The options of a model behind an endpoint: each is checked before anything is asked."""

import math
import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from omegaconf import OmegaConf

from shoptalk.errors import InputError, whole_number

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class Options:
    """Checks options by name.

    Args:
        head: what stands before their names on the command line, for sentences.
    """

    def __init__(self, head: str):
        self.head = head

    def whole(self, name: str, value: object) -> int:
        """A whole number of 1 or more."""
        return whole_number(f"{self.head}.{name}", value)

    def number(self, name: str, value: object, zero: bool = False) -> float:
        """A finite number above 0, or 0 where ``zero`` allows it."""
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if fits and (value > 0 or (zero and value == 0)):
            return float(value)
        least = "of 0 or more" if zero else "above 0"
        raise InputError(f"{self.head}.{name}={value} is not possible; give a finite number {least}.")

    def named(self, value: object) -> str:
        """The name of a model."""
        if isinstance(value, str) and value.strip():
            return value
        raise InputError(f"{self.head}.model is empty; give the name of a model that the endpoint serves.")

    def address(self, value: object) -> str:
        """The base address of an endpoint, without a slash at its end.

        A refused one is not repeated, since it may hold a password.
        """
        try:
            parts = urlsplit(str(value))
            usable = parts.scheme in ("http", "https") and parts.port != 0 and bool(parts.hostname.encode("idna"))
        except (ValueError, AttributeError):
            usable = False
        if not usable or re.search(r"\s", str(value)):
            raise InputError(f"{self.head}.url is no address; give one like http://localhost:11434/v1.")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise InputError(
                f"{self.head}.url holds a password, a query or a fragment; give the address alone, "
                f"and name the key's environment variable with {self.head}.key_from."
            )
        return str(value).rstrip("/")

    def variable(self, value: object) -> str | None:
        """The name of an environment variable; a refused one is not repeated, since it may be the key itself."""
        if value is None or VARIABLE.fullmatch(str(value)):
            return None if value is None else str(value)
        raise InputError(
            f"{self.head}.key_from is not the name of an environment variable; "
            "give a name of capitals, digits and _ that holds the key, never the key."
        )

    def key(self, name: str | None, environment: Mapping[str, str]) -> str | None:
        """The key that the environment variable ``name`` holds."""
        if name is None:
            return None
        value, option = environment.get(name, "").strip(), f"{self.head}.key_from={name}"
        if not value:
            raise InputError(f"{option}: that environment variable is empty; put the key into it.")
        if not re.fullmatch(r"[!-~]+", value):
            raise InputError(f"{option}: its value is no key; a key is one word of plain characters.")
        return value

    def extra(self, value: object, reserved: Collection[str]) -> dict[str, object]:
        """Further fields of each request."""
        if value is not None and not isinstance(value, Mapping):
            raise InputError(f"{self.head}.extra={value} is not possible; give names and values.")
        fields = OmegaConf.to_container(OmegaConf.create(value or {}), resolve=True)
        for name in reserved:
            if name in fields:
                raise InputError(
                    f"{self.head}.extra.{name} is not possible; each request sets it already, leave it out."
                )
        return fields
