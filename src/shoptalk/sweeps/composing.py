"""Configs of a sweep's jobs, composed as Hydra composes them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.distributions import CategoricalDistribution

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.launch import check_keys
from shoptalk.studies.space import Parameter, Space

_CHECKED = 40
"""Most configurations that are composed before any trial starts."""

_BESIDE = ("hydra", "run", "cache", "logger", "threads", "seed", "ckpt_path")
"""Parts of a config that say nothing of what is trained."""


def split(params: Mapping[str, str], arguments: Sequence[str], loader: Any) -> tuple[dict[str, str], list[str]]:
    """Options that are searched, and the overrides of all jobs; the command line has the last word."""
    searched = {name: str(value) for name, value in params.items()}
    fixed = []
    for override in OverridesParser.create(config_loader=loader).parse_overrides(list(arguments)):
        key = override.get_key_element()
        if override.is_sweep_override():
            searched[key] = override.input_line.partition("=")[2]
        else:
            searched.pop(key, None)
            fixed.append(override.input_line)
    return searched, fixed


def composition(loader: Any, config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """A job's config.

    Raises:
        InputError: an option that does not exist.
    """
    try:
        composed = loader.load_sweep_config(config, list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"A trial with {' '.join(overrides)} cannot be composed: {reason}") from error
    check_keys("train", composed)
    return composed


def command() -> str:
    """The command line of this process."""
    return "python " + shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def check(space: Space, fixed: Sequence[str], config: DictConfig, loader: Any) -> None:
    """Compose configurations in which every choice occurs, so that a misspelt option shows before any trial.

    Raises:
        InputError: one cannot be composed.
    """
    ends = {p.name: _ends(p) for p in space.parameters.values()}
    seen: set[tuple[str, ...]] = set()
    for parameter in space.parameters.values():
        for value in ends[parameter.name]:
            chosen = {parameter.name: value, **_parents(parameter, space)}
            drawn = space.draw(lambda name, _, chosen=chosen: chosen.get(name, ends[name][0]))
            overrides = tuple(space.overrides(drawn))
            if overrides not in seen and len(seen) < _CHECKED:
                seen.add(overrides)
                composition(loader, config, [*fixed, *overrides])


def _ends(parameter: Parameter) -> list[Any]:
    known = parameter.distribution
    return list(known.choices) if isinstance(known, CategoricalDistribution) else [known.low, known.high]


def _parents(parameter: Parameter, space: Space) -> dict[str, str]:
    """Choices of others under which a parameter counts."""
    found: dict[str, str] = {}
    for parent, allowed in parameter.when.items():
        found |= {parent: min(allowed), **_parents(space.parameters[parent], space)}
    return found


def standalone(overrides: Sequence[str], config: DictConfig, loader: Any) -> list[str]:
    """Overrides of ``train.py`` that give a job's config without the sweep: its choices of groups, then the values that
    differ from theirs."""
    job = composition(loader, config, overrides)
    chosen = job.hydra.runtime.choices
    plain = loader.load_configuration(config.hydra.job.config_name, [], RunMode.RUN).hydra.runtime.choices
    groups = [
        f"{name}={choice}" for name, choice in chosen.items()
        if not name.startswith("hydra/") and name not in ("sweeps", "logger") and choice != plain.get(name)
    ]  # fmt: skip
    base = loader.load_configuration(config.hydra.job.config_name, groups, RunMode.RUN)
    wanted, there = (_leaves(_trained(one)) for one in (job, base))
    return groups + [f"{name}={written(value)}" for name, value in wanted.items()
                     if name not in there or there[name] != value]  # fmt: skip


def _trained(config: DictConfig) -> dict[str, Any]:
    told = OmegaConf.to_container(config, resolve=False)
    return {name: value for name, value in told.items() if name not in _BESIDE}


def _leaves(options: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in options.items():
        if isinstance(value, Mapping) and value:
            found |= _leaves(value, f"{head}{key}.")
        else:
            found[f"{head}{key}"] = value
    return found


def written(value: Any) -> str:
    """A value in Hydra's grammar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return quoted(value)


def quoted(text: object) -> str:
    """``text`` as a string of Hydra's grammar."""
    return "'" + str(text).replace("\\", "\\\\").replace("'", "\\'") + "'"


def identity(space: Space, fixed: Sequence[str], objectives: Mapping[str, str], config: DictConfig, loader: Any) -> str:
    """Digest of what makes trials comparable: the fixed options, the space, the objectives."""
    told = OmegaConf.to_container(composition(loader, config, fixed), resolve=False)
    kept = {name: value for name, value in told.items() if name not in _BESIDE} | {"seed": told.get("seed")}
    parameters = {p.name: [repr(p.distribution), {k: sorted(v) for k, v in p.when.items()}]
                  for p in space.parameters.values()}  # fmt: skip
    return digest(1, kept, parameters, dict(space.simplexes), dict(objectives))
