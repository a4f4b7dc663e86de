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


def number(value: Any) -> bool:
    """Whether ``value`` is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
