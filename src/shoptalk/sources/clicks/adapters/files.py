"""The files that make up a log."""

import glob
from collections.abc import Iterable
from pathlib import Path

from shoptalk.errors import InputError
from shoptalk.sources.clicks.engine import format_of

_TEXT = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
_SUFFIXES = (".parquet", ".pq", *_TEXT, *(f"{suffix}.gz" for suffix in _TEXT))


def log_files(path: str | Path) -> list[Path]:
    """The files of the log at ``path``, sorted: a file, a glob, or a folder with its subfolders, in which names
    that begin with a dot or an underscore and files of other formats are passed over.

    Raises:
        InputError: there are none, one that is named is of a format that is not read, or formats are mixed.
    """
    files = _found(path)
    if not files:
        raise InputError(
            f"{path}: there is no such click log; give a file, a folder or a glob of {', '.join(_SUFFIXES[:7])} "
            "files (text also .gz)."
        )
    first = files[0]
    other = next((f for f in files if format_of(f) != format_of(first)), None)
    if other is not None:
        raise InputError(
            f"{path}: holds {first.name} and {other.name}, but one log has files of one format; give a glob such as "
            f"*{first.suffix}."
        )
    return files


def _found(path: str | Path) -> list[Path]:
    whole = Path(path)
    if whole.is_file():
        return [_readable(whole)]
    if whole.is_dir():
        return sorted(_within(whole))
    matches = [Path(p) for p in glob.glob(str(path), recursive=True)]
    files = {_readable(p) for p in matches if p.is_file() and not _hidden(p.name)}
    return sorted(files.union(*(_within(p) for p in matches if p.is_dir() and not _hidden(p.name))))


def _within(folder: Path) -> Iterable[Path]:
    for path in folder.rglob("*"):
        seen = not any(_hidden(part) for part in path.relative_to(folder).parts)
        if seen and path.name.lower().endswith(_SUFFIXES) and path.is_file():
            yield path


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _readable(path: Path) -> Path:
    if not path.name.lower().endswith(_SUFFIXES):
        raise InputError(f"{path}: a click log ends in .parquet, .csv or .jsonl (the latter two may end in .gz).")
    return path
