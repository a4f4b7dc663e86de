"""Exact search by torch's matrix products, where this process has loaded torch: several times as fast as faiss's."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_SCORES = {"cuda": 1 << 28, "cpu": 1 << 26}  # of queries and documents held on the device at a time, in bytes
_SLABS = 4  # fewer groups of columns than this are not worth a look at each group's best
_FROM = 64  # queries: for fewer it takes longer to bring the documents there than to compare them by faiss


def device(queries: int) -> torch.device | None:
    """Where so many queries are best multiplied: on a GPU that this process uses already, or on the processor.

    ``None`` for few queries, and where torch is not there. It is not imported for it, and no GPU started: a process
    that serves an exported model does without both, and one that was told to work on the processor stays there.
    """
    torch = sys.modules.get("torch")
    if queries < _FROM or torch is None:
        return None
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_initialized() else torch.device("cpu")


def on_gpu(queries: int) -> bool:
    """Whether so many queries are multiplied on a GPU."""
    place = device(queries)
    return place is not None and place.type == "cuda"


def nearest(
    asked: np.ndarray, documents: np.ndarray, wide: int, place: torch.device | str
) -> tuple[np.ndarray, np.ndarray]:
    """Scores float32 and rows int64 [n, wide] of the highest inner products, best first, ties in any order.

    Args:
        asked: float32 [n, d]. documents: float32 [m, d], m at least ``wide``; all of them lie on the device at once.
    """
    import torch

    place = torch.device(place)
    lines = max(1, _SCORES[place.type] // (4 * len(documents)))
    # Copied: what is memory-mapped cannot be written to, which torch wants of a tensor.
    queries, columns = torch.tensor(asked), torch.tensor(documents, device=place).T
    room, parts = torch.empty((min(lines, len(asked)), len(documents)), device=place), []
    for start in range(0, len(asked), lines):
        some = queries[start : start + lines].to(place)
        found = best(torch.mm(some, columns, out=room[: len(some)]), wide)
        parts.append([side.cpu().numpy() for side in found])
    scores, rows = zip(*parts, strict=True)
    return np.concatenate(scores), np.concatenate(rows)


def best(scores: torch.Tensor, wide: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The ``wide`` highest of each line of ``scores`` [n, m] and their columns, best first, ties in any order.

    On a CPU only the ``wide`` groups of columns with the highest maxima are looked into: what stands in another group
    is no better than any of those maxima. Faster than a plain topk.
    """
    import torch

    n, m = scores.shape
    slabs = math.isqrt(m // wide)
    if scores.is_cuda or slabs < _SLABS:
        return torch.topk(scores, wide, dim=1)
    # Group j is column j of each slab, so that maxima are taken of whole slabs.
    groups = m // slabs
    slabbed = scores[:, : slabs * groups].unflatten(1, (slabs, groups))
    good = torch.topk(slabbed.amax(1), wide, dim=1, sorted=False).indices[:, None]
    columns = (good + groups * torch.arange(slabs)[:, None]).reshape(n, -1)
    columns = torch.cat([columns, torch.arange(slabs * groups, m).expand(n, -1)], dim=1)
    values, places = torch.topk(scores.gather(1, columns), wide, dim=1)
    return values, columns.gather(1, places)
