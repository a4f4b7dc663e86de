"""Numbers that the user gives for a mixture."""

import math
from typing import Any

from shoptalk.errors import InputError


def share(key: str, value: Any) -> float:
    """``value`` as a relative share, finite and at least 0."""
    if not number(value) or value < 0:
        raise InputError(f"{key}={value} is not a share; give a finite number that is 0 or more.")
    return float(value)


def weight(key: str, value: Any) -> float:
    """``value`` as a factor of weights, in [10⁻⁶, 10⁶]."""
    if not number(value) or not 1e-6 <= value <= 1e6:
        raise InputError(f"{key}={value} cannot weigh a pair; give a number from 0.000001 to 1000000.")
    return float(value)


def whole(key: str, value: Any) -> int:
    """``value`` as a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{key}={value} is not possible; give a whole number of 1 or more.")
    return value


def number(value: Any) -> bool:
    """Whether ``value`` is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
