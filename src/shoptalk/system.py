"""The machine: what it has left, and how much of it this process uses."""

import ctypes
import gc
import os
from pathlib import Path

import torch

from shoptalk.errors import InputError

_CGROUP = Path("/sys/fs/cgroup")
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as in malloc.h


def free_memory() -> int:
    """Bytes that this process may still take of the machine's memory, or of its container's."""
    return min(_free_in_system(), _free_in_group())


def _free_in_system() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _free_in_group() -> int:
    """What a container's limit leaves; no limit is as good as endless."""
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return int(limit) - int(used)
    except (OSError, ValueError):
        return 1 << 62


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def set_threads(asked: int | None) -> int:
    """Threads of torch and faiss for this process; all cores it may use unless asked otherwise."""
    available = cores()
    if asked is not None and not 1 <= asked <= 4 * available:
        raise InputError(
            f"threads={asked} must lie between 1 and {4 * available} on this machine; null takes {available}."
        )
    import faiss

    _keep_freed_memory()
    threads = asked or available
    torch.set_num_threads(threads)
    faiss.omp_set_num_threads(threads)
    return threads


def give_back_memory() -> None:
    """Return to the system what ``_keep_freed_memory`` kept of work that is over."""
    gc.collect()  # models lie in cycles
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


def _keep_freed_memory() -> None:
    """Let glibc reuse large blocks instead of returning them: fetching them anew costs a fifth of a training step."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
