"""The precisions of a model by name: what embeds in each."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from shoptalk.arms.base import Bench
from shoptalk.models.precision import preferred_precision

AUTO = "auto"
ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def _torch(encoder: Any, bench: Bench, precision: str) -> Any:
    from shoptalk.models.held import Held

    return Held(encoder, precision)


def _onnx(encoder: Any, bench: Bench, int8: bool) -> Any:
    from shoptalk.models.onnx import in_onnx

    with bench.bar("exporting to ONNX"):
        return in_onnx(encoder, bench.cache, int8=int8, threads=bench.threads)


PRECISIONS: Mapping[str, Callable[[Any, Bench], Any]] = {
    "fp32": partial(_torch, precision="fp32"),
    "bf16": partial(_torch, precision="bf16"),
    "onnx-fp32": partial(_onnx, int8=False),
    "onnx-int8": partial(_onnx, int8=True),
}
"""Name to what makes an embedder of a transformer ``Encoder``: ``embed``, ``dimension``, ``digest``, ``save``."""

BYTES = {"fp32": 4, "bf16": 2, "onnx-fp32": 4, "onnx-int8": 1}
"""Of a weight, at the least: int8 leaves embedding tables in float32."""


def own_precision(encoder: Any) -> str:
    """What ``auto`` is: of a transformer bf16 where its device has it, of a table of vectors fp32."""
    from shoptalk.models.encoder import Encoder

    return preferred_precision(encoder.device) if isinstance(encoder, Encoder) else "fp32"


def available(bench: Bench) -> tuple[list[str], list[str]]:
    """The precisions that can be measured here, and a sentence about each that cannot."""
    names, notices = ["fp32"], []
    if preferred_precision(bench.device) == "bf16":
        names.append("bf16")
    else:
        notices.append(
            "bf16 is left out: this processor has no bf16 units; ask with efficiency.model_precisions=[bf16]."
        )
    if all(importlib.util.find_spec(package) for package in ONNX_PACKAGES):
        names.append("onnx-int8")
    else:
        notices.append("onnx-int8 is left out: run pip install 'shoptalk[onnx]' to measure it.")
    return names, notices
