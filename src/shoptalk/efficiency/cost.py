"""What an arm costs, as it was measured."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Figures of one arm; ``None`` for what was not measured or does not apply. MB are millions of bytes.

    Attributes:
        p50_ms, p95_ms: milliseconds of one query alone, from its text to its results.
        documents_per_s: embedded, or for BM25 indexed.
        memory_mb: resident memory of a process that holds model and index and nothing else, after some queries, the
            model on the CPU: the interpreter and its libraries are in it.
        peak_mb: the most that this process has held, while it read the model.
        libraries_mb: what it held before it read either.
        index_bytes: of the corpus's vectors or postings, without document ids.
        index_mb_per_1m: the same for a million documents.
        dimension, index_precision, model_precision: of dense arms.
        notices: sentences about what was not measured.
    """

    p50_ms: float | None = None
    p95_ms: float | None = None
    documents_per_s: float | None = None
    memory_mb: float | None = None
    peak_mb: float | None = None
    libraries_mb: float | None = None
    index_bytes: int | None = None
    index_mb_per_1m: float | None = None
    dimension: int | None = None
    index_precision: str | None = None
    model_precision: str | None = None
    notices: Sequence[str] = ()

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"notices": list(self.notices)}
