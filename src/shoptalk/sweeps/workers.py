"""Several processes on one machine that share out the trials of one study."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from shoptalk.system import cores

PLACE = "SHOPTALK_WORKER"
"""``2/4`` in the environment of the second of four workers."""


def place() -> tuple[int, int] | None:
    """Which of how many workers this process is; ``None`` for one that is none."""
    told = os.environ.get(PLACE)
    if not told:
        return None
    number, _, of = told.partition("/")
    return int(number), int(of)


def threads_each(workers: int) -> int:
    """Threads for each worker: an equal share of the cores."""
    return max(1, cores() // workers)


def work(workers: int, threads: int, folder: Path, watch: Callable[[], None]) -> list[int]:
    """Start this very command once for each worker and wait; exit codes of those that failed.

    ``watch`` is called now and then meanwhile. Each worker says what it does in ``workers/<n>.log``. GPUs are dealt out
    in turn.
    """
    logs = folder / "workers"
    logs.mkdir(parents=True, exist_ok=True)
    started = []
    for number in range(1, workers + 1):
        with open(logs / f"{number}.log", "a") as log:
            own = os.environ | _devices(number) | {PLACE: f"{number}/{workers}", "OMP_NUM_THREADS": str(threads)}
            command = [sys.executable, *sys.argv]
            # A session of its own, so that Ctrl-C reaches it once, by way of us.
            started.append(subprocess.Popen(command, env=own, stdout=log, stderr=log, start_new_session=True))
    try:
        while any(process.poll() is None for process in started):
            _wait(started)
            watch()
    except BaseException:
        _stop(started)
        raise
    watch()
    return [process.returncode for process in started if process.returncode]


def _wait(started: list[subprocess.Popen]) -> None:
    running = next(process for process in started if process.poll() is None)
    try:
        running.wait(timeout=2)
    except subprocess.TimeoutExpired:
        return


def _stop(started: list[subprocess.Popen]) -> None:
    """Ctrl-C for all of them, so that each gives its trial back; killed where they do not listen."""
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in started:
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


def _devices(number: int) -> dict[str, str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        import torch

        visible = ",".join(map(str, range(torch.cuda.device_count())))
    devices = [device for device in visible.split(",") if device]
    return {"CUDA_VISIBLE_DEVICES": devices[(number - 1) % len(devices)]} if devices else {}
