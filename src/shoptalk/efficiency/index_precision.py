"""The precisions of an index by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shoptalk.efficiency.codes import Codes, Full, Int4, Int8
from shoptalk.efficiency.signs import RESCORED, Rescored, Signs
from shoptalk.retrieval.dense import check


class RescoredByInt8(Rescored):
    """Nine bits per entry; what is read of a query's candidates is a byte per entry."""

    name, better = "binary+int8", Int8


class RescoredByFull(Rescored):
    """33 bits per entry."""

    name, better = "binary+fp32", Full


PRECISIONS: Mapping[str, type[Codes]] = {
    kind.name: kind for kind in (Full, Int8, Int4, Signs, RescoredByInt8, RescoredByFull)
}


def compressed(vectors: np.ndarray, dimension: int, precision: str, rescored: int = RESCORED) -> Codes:
    """``vectors``, float32 [m, d] of unit length, cut to ``dimension`` and kept at ``precision``.

    Args:
        dimension: in 1..d; the first entries are kept, at unit length again.
        precision: a key of ``PRECISIONS``.
        rescored: candidates of a query that are put in order anew; only of ``binary+int8`` and ``binary+fp32``.

    Raises:
        InputError: a vector is not finite.
    """
    check(vectors[:0], vectors)
    kind = PRECISIONS[precision]
    more = {"rescored": rescored} if issubclass(kind, Rescored) else {}
    return kind.of(vectors, dimension, **more)
