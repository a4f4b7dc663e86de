"""The sweeper ``study``: Hydra's jobs as trials of an Optuna study."""

from __future__ import annotations

import sys
from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from shoptalk.errors import InputError

# Optuna is imported once a sweep starts: Hydra imports this module in every process, also for --help.


class StudySweeper(Sweeper):
    """See ``shoptalk.sweeps.options.Options`` for the keys of ``hydra.sweeper``."""

    def __init__(self, **options: Any):
        self.options = {
            name: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
            for name, value in options.items()
        }

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take Hydra's context and build its launcher."""
        from hydra.core.plugins import Plugins

        self.config, self.loader = config, hydra_context.config_loader
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the study to its total; a mistake of the user's ends it with one sentence."""
        from shoptalk.launch import check_keys
        from shoptalk.sweeps.options import Options
        from shoptalk.sweeps.sweep import Sweep

        try:
            check_keys("train", self.config)
            return Sweep(self._built(Options), self.config, self.loader, self.launcher, arguments).run()
        except InputError as error:
            sys.exit(f"error: {error}")

    def _built(self, known: type) -> Any:
        odd = set(self.options) - set(known.__dataclass_fields__)
        if odd:
            raise InputError(f"hydra.sweeper.{min(odd)} is no option of the sweeper; it has "
                             f"{', '.join(known.__dataclass_fields__)}.")  # fmt: skip
        return known(**self.options)
