"""Where a study is kept: a journal file by default, or any database that Optuna knows."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shoptalk.errors import InputError

JOURNAL = "study.journal"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One holder of ``path`` at a time; the kernel frees the lock when its holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def address(asked: str | None, folder: Path) -> str:
    """The storage that is meant: as asked, or the journal in the sweep's folder."""
    return asked or str(folder.absolute() / JOURNAL)


def opened(where: str) -> Any:
    """Optuna's storage at a path of a journal or at a database's URL.

    Raises:
        InputError: it cannot be opened.
    """
    from optuna import storages

    if "://" not in where:
        Path(where).parent.mkdir(parents=True, exist_ok=True)
        mended(Path(where))
        return storages.JournalStorage(storages.journal.JournalFileBackend(where, _KernelLock(where)))
    try:
        return storages.get_storage(where)
    except Exception as error:  # a driver's own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"hydra.sweeper.storage={where} cannot be opened: {reason}") from error


def mended(path: Path) -> int:
    """Cut off the last line of a journal where a kill tore it, which would wedge the study; bytes cut off."""
    if not path.exists():
        return 0
    with locked(_lock_of(path)):
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
    return len(content) - whole


def _lock_of(path: str | Path) -> Path:
    return Path(f"{path}.flock")


class _KernelLock:
    """As Optuna's own locks of a journal, but freed when its holder is killed."""

    def __init__(self, path: str):
        self._path, self._held = _lock_of(path), None

    def acquire(self) -> bool:
        self._held = open(self._path, "w")  # noqa: SIM115, closed by release
        fcntl.flock(self._held, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        self._held.close()
