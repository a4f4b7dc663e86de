"""What a command's primary config, ``conf/NAME.yaml``, tells of itself: its groups, its keys and its help."""

import re
import textwrap
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from omegaconf import OmegaConf

from shoptalk.configs import root

_PARTS = re.compile(r"((?:#.*\n)+)defaults:\n((?: .*\n)+)((?:.*\n)*?)hydra:\n")
_GROUP = re.compile(r"^  - ((\w+): .*)$", re.MULTILINE)
_PIECES = "parts"  # a folder of what several overlays share; none is to be chosen by itself


def unknown(name: str, keys: Iterable[str]) -> str | None:
    """A sentence about the first of ``keys`` that stands neither in ``conf/NAME.yaml`` nor in its defaults list.

    A group that is nothing by default holds overlays, files for the whole config, so that no key may have its name.
    """
    groups, own = _groups(name), _own(name)
    known = [*(group for group, default in groups.items() if default is not None), *own, "hydra"]
    for key in keys:
        if key in groups and key not in known:
            return (f"The file that {key}= names is read into {key}.…, where nothing looks; "
                    "its first line must be '# @package _global_'.")  # fmt: skip
        if key not in known:
            close = get_close_matches(key, [*groups, *known], n=1)
            return f"{key} is not an option; " + (f"did you mean {close[0]}?" if close else "--help lists them all.")
    return None


def unknown_argument(name: str, arguments: Iterable[str]) -> str | None:
    """The same of command-line arguments that set or delete an option, where Hydra would advise to add it with ``+``.

    What is added with ``+`` may be a group of the user's own, so that only the composed config tells.
    """
    overlays = [group for group, default in _groups(name).items() if default is None]
    named = [re.match(r"~?(\w+)[^\s=]*(?:=|$)", word) for word in arguments if "=" in word or word.startswith("~")]
    return unknown(name, [found[1] for found in named if found and found[1] not in overlays])


def help_of(name: str) -> str:
    """How the command is called, its groups with their options, and the rest of its yaml file, comments included."""
    head, groups, own = _PARTS.match(_file(name).read_text()).groups()
    lines = [head.replace("# ", "").rstrip()]
    listed = [part for line, group in _GROUP.findall(groups) for part in _listed(line, group)]
    if listed:
        lines += ["\nGroups, each with its default and what it may be, as NAME=OPTION:", *listed]
    lines += ["\nOptions, as NAME=VALUE; one within another is named with a dot, as in OUTER.INNER=VALUE:\n"]
    lines += [own.strip(), "\n--cfg job prints the whole config, groups included; --hydra-help tells the other flags."]
    return "\n".join(lines)


def _listed(line: str, group: str) -> list[str]:
    """A group as it stands in the defaults list, its options, and the groups within it."""
    if line.startswith(f"{group}: null"):
        found = [line, _wrapped(_options(group, "**/*.yaml"))]
        within = _within("hydra/sweeper") if group == "sweeps" else []
    else:
        found, within = [line, _wrapped(_options(group, "*.yaml"))], _within(group)
    return found + [part for inner in within for part in (f"{inner}:", _wrapped(_options(inner, "*.yaml")))]


def _options(group: str, pattern: str) -> list[str]:
    found = []
    for folder in (root() / "conf" / group, root() / group):  # the second is how sweeps/ is found
        found += [path.relative_to(folder) for path in folder.glob(pattern) if path.parent.name != _PIECES]
    return sorted(path.with_suffix("").as_posix() for path in found)


def _within(group: str) -> list[str]:
    return sorted(f"{group}/{path.name}" for path in (root() / "conf" / group).iterdir() if path.is_dir())


def _wrapped(names: list[str]) -> str:
    return textwrap.fill(", ".join(names), 100, initial_indent="    ", subsequent_indent="    ")


def _file(name: str) -> Path:
    return root() / "conf" / f"{name}.yaml"


@cache
def _groups(name: str) -> dict[str, str | None]:
    """Groups of the defaults list to their default."""
    listed = OmegaConf.to_container(OmegaConf.load(_file(name)).defaults)
    return {g: o for one in listed if isinstance(one, dict) for g, o in one.items() if not g.startswith("override ")}


@cache
def _own(name: str) -> list[str]:
    return [str(key) for key in OmegaConf.load(_file(name)) if key not in ("defaults", "hydra")]
