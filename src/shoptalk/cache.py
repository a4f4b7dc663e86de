"""Expensive things on disk, keyed by all that determines them and nothing else."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from shoptalk.errors import InputError


def digest(*parts: object) -> str:
    """A stable 20-character hash of JSON-able parts (strings, numbers, lists, mappings)."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def digest_texts(texts: Iterable[str]) -> str:
    """A stable 20-character hash of a sequence of texts, order and borders included."""
    total = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        total.update(len(raw).to_bytes(8, "little"))
        total.update(raw)
    return total.hexdigest()[:20]


def digest_file(path: Path) -> str:
    """The sha256 of a file's bytes, in full."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class Cache:
    """Folders under ``root/<kind>/<key>``, each written whole or not at all.

    One maker at a time per key: others wait on a lock that the kernel frees when its holder dies.
    When the total passes ``max_bytes``, the folders unused for longest go first.
    """

    def __init__(self, root: str | Path, max_bytes: int = 20_000_000_000):
        self.root = Path(root)
        self.max_bytes = max_bytes

    def folder(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The finished folder for ``key``; ``make(folder)`` fills it when it does not exist yet."""
        final = self.root / kind / key
        if not final.exists():
            with self._lock(kind, key):
                if not final.exists():
                    self._fill(final, make)
        os.utime(final)
        return final

    def has(self, kind: str, key: str) -> bool:
        """Whether the folder for ``key`` is finished."""
        return (self.root / kind / key).exists()

    def array(self, kind: str, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """A cached array, read back memory-mapped and read-only."""
        folder = self.folder(kind, key, lambda path: np.save(path / "array.npy", make(), allow_pickle=False))
        return np.load(folder / "array.npy", mmap_mode="r", allow_pickle=False)

    def rows(
        self, kind: str, key: str, shape: tuple[int, int], parts: Callable[[], Iterable[np.ndarray]]
    ) -> np.ndarray:
        """As ``array``, float32 [shape], written part by part, each some rows behind the last, so that it is never in
        memory as a whole."""

        def write(folder: Path) -> None:
            with open(folder / "array.npy", "wb") as out:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(out, header)
                for part in parts():
                    out.write(np.ascontiguousarray(part, "<f4").data)

        return np.load(self.folder(kind, key, write) / "array.npy", mmap_mode="r", allow_pickle=False)

    def _fill(self, final: Path, make: Callable[[Path], None]) -> None:
        work = Path(tempfile.mkdtemp(prefix=".making-", dir=self._made(final.parent)))
        try:
            make(work)
            for file in work.rglob("*"):
                if file.is_file():
                    _sync(file)
            os.replace(work, final)
        except OSError as error:
            if error.errno in (28, 122):
                raise InputError(
                    f"{self.root}: the disk is full; free some space or set cache.root elsewhere."
                ) from error
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
        self._shrink(keep=final)

    @contextmanager
    def _lock(self, kind: str, key: str) -> Iterator[None]:
        path = self._made(self.root / "locks") / f"{kind}-{key}"
        with open(path, "w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @staticmethod
    def _made(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _shrink(self, keep: Path) -> None:
        folders = [
            f for kind in self.root.iterdir() if kind.name != "locks" for f in kind.iterdir() if f.name[0] != "."
        ]
        sizes = {f: sum(p.stat().st_size for p in f.rglob("*") if p.is_file()) for f in folders}
        total = sum(sizes.values())
        for folder in sorted(folders, key=lambda f: f.stat().st_mtime):
            if total <= self.max_bytes:
                break
            if folder != keep:
                shutil.rmtree(folder, ignore_errors=True)
                total -= sizes[folder]


def _sync(file: Path) -> None:
    with open(file, "rb") as handle:
        os.fsync(handle.fileno())
