"""What a run ran on: nothing that names the machine or its user."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from shoptalk.system import cores

PACKAGES = (
    "shoptalk", "torch", "transformers", "tokenizers", "pytorch-lightning", "numpy", "scipy", "polars", "duckdb",
    "faiss-cpu", "bm25s", "pytrec-eval-terrier", "hydra-core", "optuna",
)  # fmt: skip
"""Those whose version may move a figure."""


def environment() -> dict[str, Any]:
    """``python``, ``system``, ``processor``, ``cores``, ``memory_gb``, ``gpus``, ``packages`` with their versions."""
    import torch

    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores(),
        "memory_gb": _memory(),
        "gpus": gpus,
        "packages": {name: told for name in PACKAGES if (told := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _memory() -> int | None:
    """GB of the machine, or ``None`` where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("MemTotal")) / 1e6)
    except (OSError, StopIteration):
        return None
