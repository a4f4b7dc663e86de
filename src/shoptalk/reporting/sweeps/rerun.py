"""How a trial is run again: its command line, and an experiment file that composes the same config."""

import shlex
import textwrap
from collections.abc import Sequence

from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from shoptalk.configs import root
from shoptalk.errors import InputError


def command_line(overrides: Sequence[str]) -> str:
    """``python train.py`` with the overrides, quoted for a POSIX shell."""
    return shlex.join(["python", "train.py", *overrides])


def experiment_yaml(overrides: Sequence[str], note: str) -> str:
    """The text of a ``conf/experiment/NAME.yaml``.

    ``python train.py experiment=NAME`` composes what ``python train.py`` with the overrides does. An ``experiment``
    among them becomes the file's own first default; ``note`` heads the file as a comment.

    Raises:
        InputError: for what a file cannot say: an override that deletes, lists values to try, or sets one element of
            a list.
    """
    included: list[str] = []
    chosen: list[dict[str, object]] = []
    values = OmegaConf.create({})
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key, value = _sayable(override), override.value()
        if isinstance(value, dict) or not _is_group(override.key_or_group):
            OmegaConf.update(values, key, value, merge=True, force_add=True)
        elif key == "experiment":
            included += [f"/experiment/{name}" for name in (value if isinstance(value, list) else [value])]
        else:
            chosen.append({f"/{key}" if override.is_add() else f"override /{key}": value})
    # Hydra wants what overrides after all the rest.
    chosen.sort(key=lambda entry: next(iter(entry)).startswith("override "))
    lines = ["# @package _global_", *(f"# {line}".rstrip() for line in note.splitlines())]
    if included or chosen:
        lines += ["defaults:", textwrap.indent(_yaml([*included, *chosen]).rstrip(), "  ")]
    return "\n".join(lines) + "\n" + (_yaml(values) if values else "")


def _yaml(value: object) -> str:
    """OmegaConf's own spelling, which reads back as the same types."""
    return OmegaConf.to_yaml(OmegaConf.create(value) if isinstance(value, list) else value)


def _sayable(override: Override) -> str:
    """Group or key, with its package."""
    key = override.key_or_group
    if override.is_delete():
        raise InputError(
            f"{override.input_line} deletes, which an experiment file cannot; give it on the command line beside "
            "experiment=."
        )
    if override.is_sweep_override():
        raise InputError(f"{override.input_line} lists values to try; an experiment file needs one.")
    if any(part.isdigit() for part in key.split(".")) or "[" in key:
        raise InputError(
            f"{override.input_line} sets one element of a list, which an experiment file cannot; set the whole list."
        )
    return key if override.package is None else f"{key}@{override.package}"


def _is_group(key: str) -> bool:
    """Hydra's rule: what is a folder on its search path is a group, whatever the value."""
    folders = (root() / "conf" / key, root() / key)  # the second is how sweeps/ is found
    stored = ConfigStore.instance().get_type(key) == ObjectType.GROUP
    return key.startswith("hydra/") or stored or any(folder.is_dir() for folder in folders)
