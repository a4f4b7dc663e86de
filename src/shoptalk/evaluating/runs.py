"""Folders that hold a model: finished runs, and models alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from shoptalk.errors import InputError, finished_run

_BESIDE = ("log",)
"""Options of a domain that change neither documents nor judgments."""
_PATHS = ("path", "obo")


@dataclass(frozen=True)
class Found:
    """Where a folder's model lies, and the run's name where it is a run's."""

    model: Path
    run: str | None = None


def model_in(folder: Path, domain: Mapping[str, Any]) -> Found:
    """The model in a run's folder or in a model's.

    Args:
        domain: the options of the domain that is evaluated.

    Raises:
        InputError: there is none, or the run learnt another domain.
    """
    if not (folder / "config.yaml").is_file():
        if any((folder / name).is_file() for name in ("modules.json", "config.json")):
            return Found(folder)
        raise InputError(f"models={folder}: that folder holds neither a run nor a model; give the folder of a finished "
                         "run, with model/ in it, or that of a model.")  # fmt: skip
    finished_run("models", folder, ("model",))
    config = OmegaConf.load(folder / "config.yaml")
    learnt = OmegaConf.to_container(config.get("domain") or OmegaConf.create(), resolve=True)
    if _deciding(learnt) != _deciding(domain):
        raise InputError(f"models={folder}: that run learnt another domain ({_said(learnt, domain)}) than the one "
                         f"evaluated ({_said(domain, learnt)}); set domain= as the run's config.yaml has it, or give "
                         f"{folder / 'model'} to measure it here all the same.")  # fmt: skip
    return Found(folder / "model", OmegaConf.select(config, "run.name") or folder.name)


def _deciding(domain: Mapping[str, Any]) -> dict[str, Any]:
    """The options that decide what is measured, whatever way paths are written."""
    kept = {name: value for name, value in domain.items() if name not in _BESIDE}
    return kept | {name: str(Path(kept[name]).resolve()) for name in _PATHS if kept.get(name)}


def _said(domain: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What sets ``domain`` apart from ``other``."""
    own, others = _deciding(domain), _deciding(other)
    kind = str(own.get("_target_", "none")).rsplit(".", 1)[-1]
    differs = {name: value for name, value in own.items() if others.get(name) != value and name != "_target_"}
    if own.get("_target_") != others.get("_target_"):
        differs = {name: own[name] for name in _PATHS if own.get(name)}
    return ", ".join([kind, *(f"{name}={value}" for name, value in differs.items())])
