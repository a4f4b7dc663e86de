"""Figures a user may get wrong, told in a sentence."""

from math import isfinite

from shoptalk.errors import InputError

_KINDS = {int: "whole number", float: "number"}


def require_number(name: str, value: object, kind: type = float) -> None:
    """Refuse what is no ``kind`` (int or float) of 0 or more."""
    fits = isinstance(value, int) or (kind is float and isinstance(value, float) and isfinite(value))
    if isinstance(value, bool) or not fits or value < 0:
        raise InputError(f"{name}={value} is not possible; give a {_KINDS[kind]} of 0 or more.")


def require_share(name: str, value: object) -> None:
    """Refuse what is no number in [0, 1]."""
    require_number(name, value)
    if value > 1:
        raise InputError(f"{name}={value} is not possible; it must lie between 0 and 1.")
