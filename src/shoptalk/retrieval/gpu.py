"""Exact search by matrix products on a GPU, where this process has begun to use one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_SCORES = 1 << 28  # of queries and documents held on the device at a time, in bytes
_FROM = 64  # queries: for fewer it takes longer to bring the documents there than to compare them here


def device(queries: int) -> torch.device | None:
    """Where so many queries are best searched: a GPU that this process uses already, or ``None`` for the processor.

    torch is not imported for it, and no GPU started: a process that serves an exported model does without both, and
    one that was told to work on the processor stays there.
    """
    torch = sys.modules.get("torch")
    if queries < _FROM or torch is None or not torch.cuda.is_initialized():
        return None
    return torch.device("cuda", torch.cuda.current_device())


def nearest(
    asked: np.ndarray, documents: np.ndarray, wide: int, place: torch.device | str
) -> tuple[np.ndarray, np.ndarray]:
    """Scores float32 and rows int64 [n, wide] of the highest inner products, best first, ties in any order.

    Args:
        asked: float32 [n, d]. documents: float32 [m, d], m at least ``wide``; all of them lie on the device at once.
    """
    import torch

    lines = max(1, _SCORES // (4 * len(documents)))
    columns, parts = torch.tensor(documents, device=place).T, []  # copied: what is memory-mapped cannot be written to
    for start in range(0, len(asked), lines):
        found = torch.topk(torch.from_numpy(asked[start : start + lines]).to(place) @ columns, wide, dim=1)
        parts.append([side.cpu().numpy() for side in found])
    scores, rows = zip(*parts, strict=True)
    return np.concatenate(scores), np.concatenate(rows)
