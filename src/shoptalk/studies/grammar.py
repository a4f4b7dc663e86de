"""A sweep's space from Hydra's own grammar of overrides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException

from shoptalk.errors import InputError
from shoptalk.studies.space import Parameter, Space, stick_names


def parse(
    asked: Mapping[str, str], simplexes: Mapping[str, Sequence[str]], when: Mapping[str, str], loader: Any = None
) -> Space:
    """The space of a sweep.

    Args:
        asked: option to what Hydra calls a sweep: ``choice(a,b)``, ``range(1,9,2)``, ``interval(0,1)``,
            ``tag(log,interval(1e-5,1e-3))``, ``int(interval(1,30))``.
        simplexes: option to the names of shares that sum to 1.
        when: option to the choice of another under which it counts: ``negatives=denoised,mixed``.
        loader: Hydra's, to parse as the application does.

    Raises:
        InputError: an empty choice, a range of nothing or through zero on a log scale, a condition on what is not
            searched.
    """
    parser = OverridesParser.create(config_loader=loader)
    found = {name: Parameter(name, _distribution(name, sweep, parser), {}) for name, sweep in asked.items()}
    from optuna.distributions import FloatDistribution

    for option, names in simplexes.items():
        if len(set(names)) != len(names) or len(names) < 2:
            raise InputError(f"hydra.sweeper.simplex.{option} needs two names or more, each once.")
        for part in stick_names(option, names):
            found[part] = Parameter(part, FloatDistribution(0.0, 1.0), {})
    for name, condition in when.items():
        if name not in found:
            raise InputError(f"hydra.sweeper.when.{name}: {name} is not searched; searched are {', '.join(found)}.")
        found[name] = Parameter(name, found[name].distribution, _condition(name, condition, found, parser))
    return Space(_ordered(found), {option: list(names) for option, names in simplexes.items()})


def _distribution(name: str, asked: str, parser: OverridesParser) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    override, sweep = _parsed(name, str(asked), parser)
    if isinstance(sweep, ChoiceSweep):
        choices = list(override.sweep_string_iterator())
        if not choices:
            raise InputError(f"hydra.sweeper.params.{name}={asked} is an empty choice; name its options.")
        return CategoricalDistribution(choices)
    log = "log" in sweep.tags
    if isinstance(sweep, IntervalSweep):
        whole = override.value_type is not None and all(isinstance(end, int) for end in (sweep.start, sweep.end))
        low, high, step = sweep.start, sweep.end, 1 if whole else None
    else:
        values = list(sweep.range())
        if not values:
            raise InputError(f"hydra.sweeper.params.{name}={asked} holds no value; its start must be below its end.")
        low, high = min(values), max(values)
        step = abs(sweep.step)
        whole = all(isinstance(value, int) for value in values)
    if not all(map(math.isfinite, (low, high))) or low > high:
        raise InputError(f"hydra.sweeper.params.{name}={asked} holds no value; its start must be below its end.")
    if log and low <= 0:
        raise InputError(f"hydra.sweeper.params.{name}={asked}: a log scale must start above 0.")
    if log and step not in (None, 1):
        raise InputError(f"hydra.sweeper.params.{name}={asked}: a log scale has no steps; take an interval.")
    if whole:
        return IntDistribution(int(low), int(high), log=log, step=1 if log else int(step or 1))
    return FloatDistribution(float(low), float(high), log=log, step=None if log or step is None else float(step))


def _parsed(name: str, asked: str, parser: OverridesParser) -> tuple[Override, Any]:
    try:
        override = parser.parse_override(f"{name}={asked}")
    except HydraException as error:
        reason = " ".join(str(error).split())
        if "choice()" in asked.replace(" ", ""):
            reason = "an empty choice; name its options"
        raise InputError(f"hydra.sweeper.params.{name}={asked} cannot be read: {reason}.") from None
    value = override.value()
    if not override.is_sweep_override() or not isinstance(value, ChoiceSweep | RangeSweep | IntervalSweep):
        raise InputError(f"hydra.sweeper.params.{name}={asked} is one value; give choice(…), range(…) or interval(…), "
                         "or set it among the other options.")  # fmt: skip
    return override, value


def _condition(
    name: str, condition: str, found: Mapping[str, Parameter], parser: OverridesParser
) -> dict[str, frozenset[str]]:
    from optuna.distributions import CategoricalDistribution

    parent, _, options = str(condition).partition("=")
    if parent not in found or parent == name:
        raise InputError(f"hydra.sweeper.when.{name}={condition}: {parent or 'nothing'} is not searched, so that "
                         f"{name} would never or always count; searched are {', '.join(found)}.")  # fmt: skip
    known = found[parent].distribution
    allowed = frozenset(option.strip() for option in options.split(","))
    if not isinstance(known, CategoricalDistribution) or allowed - set(map(str, known.choices)):
        raise InputError(f"hydra.sweeper.when.{name}={condition}: {parent} has no such choice.")
    return {parent: allowed}


def _ordered(found: Mapping[str, Parameter]) -> dict[str, Parameter]:
    ordered: dict[str, Parameter] = {}
    while len(ordered) < len(found):
        ready = [p for p in found.values() if p.name not in ordered and set(p.when) <= set(ordered)]
        if not ready:
            raise InputError(f"hydra.sweeper.when: {', '.join(set(found) - set(ordered))} wait for one another.")
        ordered |= {p.name: p for p in ready}
    return ordered
