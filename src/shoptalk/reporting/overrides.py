"""What the jobs of a multirun were asked for."""

from collections.abc import Sequence
from pathlib import Path

from shoptalk.configs import asked


def varied(folders: Sequence[Path], beside: tuple[str, ...] = ()) -> dict[Path, str]:
    """Job folder to its overrides without those that all jobs share, unless all ask for the same.

    Args:
        beside: how overrides begin that are left out too.
    """
    known = {folder: asked(folder) for folder in folders}
    words = {folder: [word for word in told or [] if not word.startswith(beside)] for folder, told in known.items()}
    several = [set(words[folder]) for folder, told in known.items() if told is not None]
    shared = set.intersection(*several) if any(one != several[0] for one in several) else set()
    return {folder: " ".join(word for word in own if word not in shared) for folder, own in words.items()}
