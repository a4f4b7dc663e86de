"""What a sweep searches: parameters, conditions between them, shares that sum to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from shoptalk.errors import InputError
from shoptalk.studies import simplex

_MOST = 20_000


@dataclass(frozen=True)
class Parameter:
    """One number or choice that a trial draws.

    Attributes:
        name: the option on the command line; parts of a simplex have ``/1`` … behind its name.
        distribution: Optuna's.
        when: options of other parameters under which this one is drawn, as ``{"negatives": {"denoised"}}``.
    """

    name: str
    distribution: Any
    when: Mapping[str, frozenset[str]]

    def active(self, drawn: Mapping[str, Any]) -> bool:
        """Whether it counts beside what is drawn already."""
        return all(str(drawn.get(name)) in allowed for name, allowed in self.when.items())

    def values(self) -> list[Any] | None:
        """All values where they are finitely many."""
        from optuna.distributions import CategoricalDistribution

        if isinstance(self.distribution, CategoricalDistribution):
            return list(self.distribution.choices)
        low, high, step = self.distribution.low, self.distribution.high, self.distribution.step
        if step is None or self.distribution.log:
            return [low] if self.distribution.single() else None
        return [low + i * step for i in range(round((high - low) / step) + 1)]


@dataclass(frozen=True)
class Space:
    """Parameters in the order in which they are drawn: one that depends on others comes after them.

    Attributes:
        parameters: by name.
        simplexes: option to the names of its shares, as ``{"mixing.ratios": ["clicks", "synthetic"]}``.
    """

    parameters: Mapping[str, Parameter]
    simplexes: Mapping[str, Sequence[str]]

    @property
    def conditional(self) -> bool:
        """Whether a parameter depends on another."""
        return any(p.when for p in self.parameters.values())

    def draw(self, suggest: Callable[[str, Any], Any]) -> dict[str, Any]:
        """Parameters of one trial, each from ``suggest(name, distribution)``."""
        drawn: dict[str, Any] = {}
        for parameter in self.parameters.values():
            if parameter.active(drawn):
                drawn[parameter.name] = suggest(parameter.name, parameter.distribution)
        return drawn

    def shares(self, drawn: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        """Each simplex's shares, six digits of each."""
        found = {}
        for option, names in self.simplexes.items():
            parts = simplex.shares([drawn[part] for part in stick_names(option, names)])
            found[option] = dict(zip(names, (round(part, 6) for part in parts), strict=True))
        return found

    def overrides(self, drawn: Mapping[str, Any]) -> list[str]:
        """What is drawn as overrides of a job, six digits of a number."""
        plain = [
            f"{name}={float(f'{value:.6g}') if isinstance(value, float) else value}"
            for name, value in drawn.items()
            if name not in self._internal
        ]
        parts = self.shares(drawn).items()
        return plain + [f"{option}.{name}={share}" for option, told in parts for name, share in told.items()]

    def all(self) -> list[dict[str, Any]] | None:
        """Every trial there can be, in order; ``None`` where they are endless or more than anybody tries."""
        values = {name: parameter.values() for name, parameter in self.parameters.items()}
        if any(value is None for value in values.values()) or math.prod(map(len, values.values())) > _MOST:
            return None
        found: dict[tuple, dict[str, Any]] = {}
        for line in product(*values.values()):
            of = dict(zip(values, line, strict=True))
            drawn = self.draw(lambda name, _, of=of: of[name])
            found.setdefault(tuple(drawn.items()), drawn)
        return list(found.values())

    def fixed(self, asked: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Parameters of a configuration that a user wrote down: options to values, a simplex by its shares.

        Raises:
            InputError: it names what is not searched, or a value outside of the space.
        """
        found = {}
        for name, value in asked.items():
            if name in self.simplexes:
                found |= self._sticks(name, value, where)
            elif name in self.parameters:
                found[name] = _within(self.parameters[name], value, where)
            else:
                raise InputError(f"{where} names {name}, which this sweep does not search; it searches "
                                 f"{', '.join(self.told())}.")  # fmt: skip
        return found

    def told(self) -> list[str]:
        """The options that are searched."""
        return [*(name for name in self.parameters if name not in self._internal), *self.simplexes]

    @property
    def _internal(self) -> set[str]:
        """Parameters that stand for shares."""
        return {part for option, names in self.simplexes.items() for part in stick_names(option, names)}

    def _sticks(self, option: str, asked: Any, where: str) -> dict[str, float]:
        names = self.simplexes[option]
        try:
            parts = [float(asked.get(name, 0.0)) for name in names]
            if set(asked) - set(names):
                raise ValueError
            return dict(zip(stick_names(option, names), simplex.sticks(parts), strict=True))
        except (AttributeError, TypeError, ValueError):
            raise InputError(f"{where} gives {option} the value {asked}; give shares of {', '.join(names)} that sum "
                             "to 1.") from None  # fmt: skip


def stick_names(option: str, names: Sequence[str]) -> list[str]:
    """Names of a simplex's parameters, one fewer than it has shares."""
    return [f"{option}/{place}" for place in range(1, len(names))]


def _within(parameter: Parameter, value: Any, where: str) -> Any:
    from optuna.distributions import CategoricalDistribution

    known = parameter.distribution
    if isinstance(known, CategoricalDistribution):
        named = {str(choice): choice for choice in known.choices}
        if str(value) in named:
            return named[str(value)]
    elif isinstance(value, int | float) and not isinstance(value, bool) and known._contains(value):
        return value
    raise InputError(f"{where} gives {parameter.name} the value {value}, which this sweep does not search.")
