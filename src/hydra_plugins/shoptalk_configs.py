"""Hydra imports every module of this namespace in every process, so this is where configs are registered."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from shoptalk.configs import register

register()


class ShoptalkConfigs(SearchPathPlugin):
    """Marks this module as a plugin; the search path itself needs no change."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Leave the search path as it is."""
