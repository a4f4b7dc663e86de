"""Scripts of ``benchmarks/`` as modules."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@contextmanager
def scripts(folder: str) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a script of a folder by name, as it runs by itself.

    Other folders have modules of the same names; those that were imported before come back afterwards.
    """
    folders = {BENCHMARKS / folder, BENCHMARKS / "training"}
    names = [path.stem for one in folders for path in one.glob("*.py")]
    before, path = {name: sys.modules.pop(name) for name in names if name in sys.modules}, list(sys.path)
    sys.path.insert(0, str(BENCHMARKS / folder))
    try:
        yield importlib.import_module
    finally:
        sys.path[:] = path
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)
