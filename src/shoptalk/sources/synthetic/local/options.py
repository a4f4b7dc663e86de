"""Options of a local model, checked."""

import math
from collections.abc import Sequence

import torch

from shoptalk.errors import InputError, whole_number
from shoptalk.models.precision import dtype_of

OPTION = "generator.model"


def whole(option: str, value: int) -> int:
    """A number of 1 or more."""
    return whole_number(f"{OPTION}.{option}", value)


def temperature(value: float) -> float:
    """A finite number of 0 or more."""
    if not _number(value) or value < 0:
        raise InputError(f"{OPTION}.temperature={value} is not possible; give a number of 0 or more.")
    return float(value)


def top_p(value: float) -> float:
    """A share above 0."""
    if not _number(value) or not 0 < value <= 1:
        raise InputError(f"{OPTION}.top_p={value} is not possible; give a number above 0 and at most 1.")
    return float(value)


def stop(value: str | Sequence[str]) -> tuple[str, ...]:
    """Strings, none of them empty; one alone is a list of one."""
    strings = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(string, str) and string for string in strings):
        raise InputError(f"{OPTION}.stop={list(strings)} is not possible; give a list of strings that are not empty.")
    return strings


def dtype(precision: str, device: torch.device) -> torch.dtype:
    """Of ``auto``, ``bf16`` or ``fp32`` on a device."""
    try:
        return dtype_of(precision, device)
    except InputError as error:
        raise InputError(f"{OPTION}.{error}") from error


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
