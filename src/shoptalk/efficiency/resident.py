"""The memory of a process that holds a model and an index, measured in one that holds nothing else.

    python -m shoptalk.efficiency.resident FOLDER

tells three figures in bytes as JSON: what the process held with its libraries imported, what it holds after a few
queries, and the most that it has held.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_SPEC = "spec.json"


@dataclass(frozen=True)
class Resident:
    """Bytes: ``libraries`` before anything was read, ``steady`` after some queries, ``peak`` at the most."""

    libraries: int
    steady: int
    peak: int


class Unmeasured(Exception):
    """Why there is no figure, as the end of a sentence."""


def resident(parts: Sequence[Any], queries: Sequence[str], k: int, threads: int) -> Resident:
    """What a process of its own takes that holds ``parts`` and answers ``queries`` one by one.

    Args:
        parts: each a ``Served``, a ``BM25`` or a ``CrossEncoder``.

    Raises:
        Unmeasured: a part cannot be handed over, the process failed, or this system tells no memory.
    """
    if not _STATUS.exists():
        raise Unmeasured("this system has no /proc/self/status")
    with tempfile.TemporaryDirectory(prefix="shoptalk-resident-") as place:
        for number, part in enumerate(parts):
            _write(part, Path(place) / str(number))
        spec = {"parts": [type(part).__name__ for part in parts], "queries": list(queries), "k": k, "threads": threads}
        (Path(place) / _SPEC).write_text(json.dumps(spec))
        command = [sys.executable, "-m", "shoptalk.efficiency.resident", place]
        found = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        done = subprocess.run(command, env=found, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unmeasured(f"the process that was to hold it ended with code {done.returncode} ({last})")
    return Resident(**json.loads(done.stdout.splitlines()[-1]))


def _write(part: Any, folder: Path) -> None:
    from shoptalk.efficiency.served import MODELS, Served, keep

    folder.mkdir()
    if isinstance(part, Served):
        if type(part.embedder).__name__ not in MODELS:
            raise Unmeasured("its model is not in this process")
        keep(part, folder)
    elif type(part).__name__ in _READERS:
        part.save(folder)
    else:
        raise Unmeasured(f"a {type(part).__name__} cannot be handed to another process")


def measure(folder: Path) -> Resident:
    """Read the parts, answer the queries, look at this process."""
    spec = json.loads((folder / _SPEC).read_text())
    readers = [_READERS[name](folder / str(n), spec["threads"]) for n, name in enumerate(spec["parts"])]
    libraries = _held("VmRSS")
    asks = [read() for read in readers]
    for query in spec["queries"]:
        for ask in asks:
            ask([query], spec["k"])
    gc.collect()
    return Resident(libraries, _held("VmRSS"), _held("VmHWM"))


Ask = Callable[[Sequence[str], int], Any]


def _served(folder: Path, threads: int) -> Callable[[], Ask]:
    import faiss

    from shoptalk.efficiency.served import restore

    faiss.omp_set_num_threads(threads)
    return restore(folder, threads)


def _bm25(folder: Path, threads: int) -> Callable[[], Ask]:
    import torch

    from shoptalk.retrieval.bm25 import BM25

    torch.set_num_threads(threads)  # it picks the best of all scores

    def read() -> Ask:
        index = BM25.load(folder, threads=threads)
        # They are memory-mapped; what is only on disk would cost no memory and much time.
        for array in index.arrays:
            array.sum()
        return index

    return read


def _cross_encoder(folder: Path, threads: int) -> Callable[[], Ask]:
    import torch

    from shoptalk.models.cross_encoder import CrossEncoder

    torch.set_num_threads(threads)

    def read() -> Ask:
        model = CrossEncoder.load(str(folder))
        return lambda queries, k: model.score(list(queries) * k, list(queries) * k)

    return read


_READERS: dict[str, Callable[[Path, int], Callable[[], Ask]]] = {
    "Served": _served,
    "BM25": _bm25,
    "CrossEncoder": _cross_encoder,
}
"""What imports a part's libraries, and gives what reads it; that gives what answers a query."""


def _held(line: str) -> int:
    return next(int(told.split()[1]) * 1024 for told in _STATUS.read_text().splitlines() if told.startswith(line))


if __name__ == "__main__":
    print(json.dumps(vars(measure(Path(sys.argv[1])))))
