"""Configs composed as the command line composes them."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from shoptalk.configs import root

CONF = root() / "conf"


def options(group: str) -> list[str]:
    """Names of all options of a group that is a folder of yaml files, maybe in folders."""
    return sorted(path.relative_to(CONF / group).with_suffix("").as_posix() for path in (CONF / group).rglob("*.yaml"))


def composed(folder: Path, *overrides: str) -> DictConfig:
    """``train.yaml`` with overrides; what the run leaves goes to ``folder``."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        fixed = [
            f"run.dir={folder}/run",
            "run.name=test",
            f"cache.root={folder}/cache",
            "run.progress=false",
            "logger=csv",
        ]
        return compose("train", overrides=[*fixed, *overrides])
