"""Several processes on one batch: who encodes what, and how their vectors come together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from shoptalk.models.ragged import Ragged


def join() -> None:
    """Become one of the processes that torchrun or SLURM started together; nothing where there is but this one."""
    started = _environment()
    if started is None or started.world_size() == 1 or dist.is_initialized():
        return
    os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = started.main_address, str(started.main_port)
    if torch.cuda.is_available():
        torch.cuda.set_device(started.local_rank() % torch.cuda.device_count())
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, rank=started.global_rank(), world_size=started.world_size())


def _environment() -> Any:
    if "WORLD_SIZE" not in os.environ and "SLURM_NTASKS" not in os.environ:
        return None
    from pytorch_lightning.plugins.environments import SLURMEnvironment, TorchElasticEnvironment

    return next((kind() for kind in (TorchElasticEnvironment, SLURMEnvironment) if kind.detect()), None)


def world() -> tuple[int, int]:
    """This process' rank and how many there are; (0, 1) outside distributed training."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)


def agreed(value: Any) -> Any:
    """What rank 0 has for ``value``; every rank must ask."""
    told = [value]
    if world()[1] > 1:
        dist.broadcast_object_list(told)
    return told[0]


def any_of(mine: bool) -> bool:
    """Whether ``mine`` is true on any rank; every rank must ask."""
    if world()[1] == 1:
        return mine
    told: list[Any] = [None] * world()[1]
    dist.all_gather_object(told, mine)
    return any(told)


def embedded(embed: Any, ids: Ragged, prompt_length: int, progress: Any = None) -> np.ndarray:
    """``embed(ids, prompt_length, progress=...)`` with the texts shared out; the whole [n, d] on every rank."""
    rank, ranks = world()
    if ranks == 1:
        return embed(ids, prompt_length, progress=progress)
    order = np.argsort(-ids.lengths, kind="stable")
    mine = embed(ids.take(order[rank::ranks]), prompt_length, progress=progress)
    parts: list[Any] = [None] * ranks
    dist.all_gather_object(parts, mine)
    whole = np.empty((len(ids), mine.shape[1]), np.float32)
    for other, part in enumerate(parts):
        whole[order[other::ranks]] = part
    return whole


def shares(costs: Sequence[int], ranks: int) -> list[list[int]]:
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
