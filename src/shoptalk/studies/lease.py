"""Who works on a trial, so that one whose worker died is taken up again.

A journal knows no heartbeat, and a worker killed outright says no goodbye: it leaves a trial that runs for ever. Each
worker therefore keeps a small file beside its trial and touches it while it lives.
"""

import json
import os
import socket
import threading
import time
from pathlib import Path

BEAT = 15.0
"""Seconds between touches."""

LAPSED = 180.0
"""Seconds without a touch after which a worker on another machine counts as dead."""


class Lease:
    """The lease ``path``, held by this process until ``release``."""

    def __init__(self, path: Path):
        self.path, self._done = path, threading.Event()
        told = {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(told))
        os.replace(part, path)
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def release(self) -> None:
        """Let others have it."""
        self._done.set()
        self._beating.join()
        self.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._done.wait(BEAT):
            try:
                os.utime(self.path)
            except OSError:
                return


def alive(path: Path) -> bool:
    """Whether the worker that holds ``path`` lives; on this machine at once, elsewhere by its last touch."""
    try:
        told, age = json.loads(path.read_text()), time.time() - path.stat().st_mtime
    except (OSError, ValueError):
        return False
    if told["host"] != socket.gethostname():
        return age < LAPSED
    return _started(told["pid"]) == told["started"] and told["started"] is not None


def _started(pid: int) -> str | None:
    """When a process began, so that a number used again is another process; ``None`` where there is none."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
    except OSError as error:
        return "?" if isinstance(error, PermissionError) else None
    return "?"
