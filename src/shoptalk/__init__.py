"""shoptalk: teach an embedding model the language of one domain."""

import os
from typing import Any

__version__ = "0.1.0"

# Threads that spin while they wait make a step ten times slower as soon as any other program wants a core.
# Read once, when torch loads its OpenMP runtime; a value the user has set stands.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def __getattr__(name: str) -> Any:
    """``from shoptalk import run``, imported only where it is asked for."""
    if name != "run":
        raise AttributeError(f"module 'shoptalk' has no attribute '{name}'")
    from shoptalk.notebook import run

    return run
