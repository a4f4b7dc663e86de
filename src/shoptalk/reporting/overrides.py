"""What the jobs of a multirun were asked for."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import OmegaConf


def varied(folders: Sequence[Path], beside: tuple[str, ...] = ()) -> dict[Path, str]:
    """Job folder to its overrides without those that all jobs share, unless all ask for the same.

    Args:
        beside: how overrides begin that are left out too.
    """
    asked = {folder: [word for word in _asked(folder) if not word.startswith(beside)] for folder in folders}
    several = [set(asked[folder]) for folder in folders if _file(folder).exists()]
    shared = set.intersection(*several) if any(words != several[0] for words in several) else set()
    return {folder: " ".join(word for word in words if word not in shared) for folder, words in asked.items()}


def _asked(folder: Path) -> list[str]:
    return [str(word) for word in OmegaConf.load(_file(folder))] if _file(folder).exists() else []


def _file(folder: Path) -> Path:
    return folder / ".hydra" / "overrides.yaml"
