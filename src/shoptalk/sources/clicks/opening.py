"""From what the user calls a log to files in the one schema."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from shoptalk.cache import Cache, digest, digest_file
from shoptalk.sources.clicks.adapters.adapter import Adapter, Converted
from shoptalk.sources.clicks.adapters.files import log_files
from shoptalk.sources.clicks.statistics import LogFiles

VERSION = 1


@dataclass(frozen=True)
class Opened:
    """The log's files in the one schema, and sentences about what had to be done for it."""

    log: LogFiles
    notices: tuple[str, ...] = ()


def opened(path: str | Path, adapter: Adapter, position_base: int | None, cache: Cache) -> Opened:
    """The log at ``path`` (a file, a folder or a glob) as ``adapter`` reads it, converted once for its content.

    Raises:
        InputError: there is none, the adapter does not know its shape, or it holds what cannot be.
    """
    files = log_files(path)
    key = digest(VERSION, _described(adapter), position_base, [[f.name, digest_file(f)] for f in files])
    folder = cache.folder("click_log", key, lambda work: _convert(work, files, adapter, position_base))
    stored = json.loads((folder / "converted.json").read_text())
    log = LogFiles(
        name=Path(path),
        files=[folder / name for name in stored["made"]] or files,
        position_shift=stored["position_shift"],
        told=None if stored["told"] is None else frozenset(stored["told"]),
        counts=tuple(stored["counts"].items()),
    )
    return Opened(log, tuple(stored["notices"]))


def _convert(work: Path, files: list[Path], adapter: Adapter, position_base: int | None) -> None:
    found: Converted = adapter.convert(files, position_base, work)
    made = [f.name for f in found.files if f.parent == work]  # none: the user's files are in the schema already
    stored = {
        "made": made,
        "told": sorted(found.told) if made else None,
        "counts": found.counts,
        "notices": list(found.notices),
        "position_shift": found.position_shift,
    }
    (work / "converted.json").write_text(json.dumps(stored))


def _described(adapter: Any) -> list[object]:
    """All that determines what an adapter makes of a file."""
    names = [f.name for f in fields(adapter)]
    return [type(adapter).__name__, {name: _plain(getattr(adapter, name)) for name in names}]


def _plain(value: Any) -> object:
    if hasattr(value, "items"):
        return dict(value)
    return list(value) if isinstance(value, list | tuple) else value
