"""Several processes on one batch: who encodes what, and how their vectors come together."""

from __future__ import annotations

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx


def world() -> tuple[int, int]:
    """This process' rank and how many there are; (0, 1) outside distributed training."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)


def shares(costs: list[int], ranks: int) -> list[list[int]]:
    """Items to ranks, the dearest first and each to the rank with the least so far; the same on every rank."""
    total, out = np.zeros(ranks, dtype=np.int64), [[] for _ in range(ranks)]
    for item in sorted(range(len(costs)), key=lambda i: -costs[i]):
        rank = int(total.argmin())
        out[rank].append(item)
        total[rank] += costs[item]
    return out


class Union(Function):
    """The rows of all ranks in one table; every rank must then compute the same loss from it.

    As each rank has the whole gradient of that loss, the backward pass only picks the rank's own rows and
    exchanges nothing. It multiplies them by the number of ranks, because distributed data parallelism
    averages gradients where those of one batch shared out must be added.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, own: Tensor, rows: Tensor, total: int) -> Tensor:
        """``own`` [k, d] at ``rows`` int64 [k] of a table [total, d]."""
        ctx.save_for_backward(rows)
        table = own.new_zeros(total, own.shape[1])
        table[rows] = own
        dist.all_reduce(table)
        return table

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of the own rows."""
        (rows,) = ctx.saved_tensors
        return gradient[rows] * dist.get_world_size(), None, None


def united(own: Tensor, rows: Tensor, total: int) -> Tensor:
    """All rows [total, d], in order: those of this process, and of the others where there are others."""
    if world()[1] > 1:
        return Union.apply(own, rows, total)
    return own[torch.argsort(rows)]
