"""Optuna's samplers, built so that a study that was stopped goes on as if it had not been."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from hydra.utils import get_class, instantiate

from shoptalk.errors import InputError

_UNCONDITIONAL = ("CmaEsSampler", "GPSampler", "GridSampler", "QMCSampler", "NSGAIISampler", "NSGAIIISampler")
_STATELESS = ("TPESampler", "GPSampler", "RandomSampler")
_STEADY = ("QMCSampler", "BruteForceSampler")


class Sampling:
    """A sampler's config; ``at(number)`` builds it for one trial.

    A sampler's random numbers start anew with each process, so that a study that goes on would repeat its first draws.
    Here they start anew with each trial, from seed and number.

    Args:
        config: with ``_target_`` and the arguments of the class.
        seed: of the study.
        constrained: whether trials have constraints.
        conditional: whether parameters depend on others.

    Raises:
        InputError: no such class; or one that knows no constraints or no conditions where there are some.
    """

    def __init__(self, config: Mapping[str, Any], seed: int, constrained: bool = False, conditional: bool = False):
        self.config, self.seed = dict(config), seed
        target = self.config.get("_target_", "")
        try:
            self.known = get_class(target)
        except Exception as error:
            raise InputError(f"hydra.sweeper.sampler._target_={target} is no class that can be imported.") from error
        self.name = self.known.__name__
        self._extra: dict[str, Any] = {}
        takes = inspect.signature(self.known.__init__).parameters
        if conditional and self.name in _UNCONDITIONAL:
            raise InputError(f"{self.name} knows no parameters that depend on others: leave hydra.sweeper.when out, or "
                             "take optuna.samplers.TPESampler.")  # fmt: skip
        if constrained and "constraints_func" not in takes:
            raise InputError(f"{self.name} knows no constraints: leave hydra.sweeper.constraints out, or take "
                             "optuna.samplers.TPESampler.")  # fmt: skip
        if constrained:
            self._extra["constraints_func"] = violations
        self._seeded = "seed" in takes

    @property
    def grid(self) -> bool:
        """Whether every configuration is taken in turn."""
        return self.name == "GridSampler"

    @property
    def stateless(self) -> bool:
        """Whether it looks at finished trials alone, so that it may propose on a copy of the study."""
        return self.name in _STATELESS

    def at(self, number: int, attempt: int = 0) -> Any:
        """The sampler for trial ``number``."""
        if self.grid:
            from optuna.samplers import RandomSampler

            return RandomSampler(seed=self.seed)
        import numpy as np

        made = dict(self._extra)
        if self._seeded and "seed" not in self.config:
            spread = np.random.SeedSequence([self.seed, number, attempt]).generate_state(1)[0] % 2**31
            made["seed"] = self.seed if self.name in _STEADY else int(spread)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that an option is experimental, once for each trial
            return instantiate(self.config, **made)


def violations(trial: Any) -> tuple[float, ...]:
    """Optuna's ``constraints_func``: above 0 is violated."""
    return tuple(trial.user_attrs.get("violations", ()))


def suggest(trial: Any) -> Callable[[str, Any], Any]:
    """``(name, distribution)`` to a value of ``trial``."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    def value(name: str, known: Any) -> Any:
        if isinstance(known, CategoricalDistribution):
            return trial.suggest_categorical(name, known.choices)
        if isinstance(known, IntDistribution):
            return trial.suggest_int(name, known.low, known.high, step=known.step, log=known.log)
        return trial.suggest_float(name, known.low, known.high, step=known.step, log=known.log)

    return value
