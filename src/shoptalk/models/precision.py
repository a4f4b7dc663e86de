"""Which number format inference runs in: bf16 where the hardware multiplies it, fp32 elsewhere."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from shoptalk.errors import InputError
from shoptalk.models.fused import fuse

_DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def preferred_precision(device: torch.device | str | None = None) -> str:
    """``"bf16"`` on a GPU or CPU with bf16 matrix products (AVX512_BF16 or AMX), else ``"fp32"``.

    ``None`` means the GPU where there is one, else the CPU.
    """
    kind = torch.device(device).type if device is not None else ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if kind != "cpu":
        return "fp32"
    capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if capable else "fp32"


def dtype_of(precision: str, device: torch.device | str | None = None) -> torch.dtype:
    """The dtype of ``"auto"``, ``"bf16"`` or ``"fp32"`` on a device."""
    name = preferred_precision(device) if precision == "auto" else precision
    if name not in _DTYPES:
        raise InputError(f"precision '{precision}': must be auto, bf16 or fp32.")
    return _DTYPES[name]


@contextmanager
def inference(network: nn.Module, precision: str, device: torch.device) -> Iterator[nn.Module]:
    """``network`` in evaluation mode and inference mode, as a copy where the precision asks another dtype."""
    dtype = dtype_of(precision, device)
    training = network.training
    same = all(weight.dtype == dtype for weight in network.parameters())
    # The copy is made weight by weight, so that no second fp32 copy exists meanwhile.
    runner = network if same else _converted(network, dtype)
    runner.eval()
    try:
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            yield runner
    finally:
        network.train(training)


def _converted(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    memo = {id(weight): nn.Parameter(weight.detach().to(dtype), requires_grad=False) for weight in network.parameters()}
    return fuse(copy.deepcopy(network, memo))
