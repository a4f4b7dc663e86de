"""What the configs need before they are composed: resolvers, and ``data=a+b`` for every sorted choice."""

from itertools import combinations
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf


def root() -> Path:
    """The folder that holds ``train.py``, ``conf/``, ``sweeps/`` and ``outputs/``."""
    return Path(__file__).resolve().parents[2]


def register() -> None:
    """Register resolvers and source combinations; called once in every process that composes a config."""
    OmegaConf.register_new_resolver("root", lambda: str(root()), replace=True)
    names = sorted(path.stem for path in (root() / "conf" / "data").glob("*.yaml"))
    for size in range(2, len(names) + 1):
        for chosen in combinations(names, size):
            ConfigStore.instance().store(group="data", name="+".join(chosen), node={"defaults": list(chosen)})


def option_of(group: str, made: object) -> str:
    """What makes objects like ``made`` on the command line, as in ``propensity=all_pairs``; else its class."""
    target = f"{type(made).__module__}.{type(made).__qualname__}"
    files = sorted((root() / "conf" / group).glob("*.yaml"))
    return f"{group}={next((f.stem for f in files if OmegaConf.load(f)['_target_'] == target), target)}"


def asked(folder: Path) -> list[str] | None:
    """The overrides that the run in ``folder`` was asked for; ``None`` where Hydra left no word of them."""
    path = folder / ".hydra" / "overrides.yaml"
    return [str(word) for word in OmegaConf.load(path)] if path.is_file() else None


def unsorted_sources(arguments: list[str]) -> str | None:
    """A sentence about the first ``data=b+a`` among command-line arguments, or ``None``."""
    for argument in arguments:
        key, _, values = argument.partition("=")
        if key not in ("data", "+data", "++data"):
            continue
        for value in values.split(","):
            parts = value.strip().split("+")
            if parts != sorted(parts):
                known = "+".join(sorted(parts))
                return f"data={value} is not known by that name: sources stand in sorted order, data={known}."
    return None
