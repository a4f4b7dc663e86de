"""An encoder written in ONNX; see ``exported`` for the folder that comes of it. Needs the extra ``onnx``."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shoptalk.cache import Cache, digest
from shoptalk.errors import InputError
from shoptalk.models import tokens
from shoptalk.models.exported import INPUTS, NETWORK, SETTINGS, TOKENIZER, OnnxEncoder, packages

if TYPE_CHECKING:
    from shoptalk.models.encoder import Encoder

_VERSION = 1
_LARGEST = 1_500_000_000  # bytes of weights that one file may hold; a protocol buffer ends at 2 GB


def write_onnx(encoder: Encoder, folder: str | Path) -> Path:
    """Export transformer, pooling and heads in float32, batch and length free; gives the folder.

    Raises:
        InputError: the extra ``onnx`` is missing, or torch cannot export the network.
    """
    import torch

    packages("onnx", "onnxscript")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    weights = sum(weight.numel() * weight.element_size() for weight in encoder.parameters())
    example = encoder.pad(encoder.tokenize(["an example", "one more", "and a longer third one"], "document"))
    with _quiet(), torch.inference_mode(False), torch.no_grad():
        try:
            torch.onnx.export(
                _network(encoder),
                (*(part.to(encoder.device) for part in example), torch.tensor(1)),
                str(place / NETWORK),
                input_names=list(INPUTS),
                output_names=["vectors"],
                dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}, None),
                dynamo=True,
                verbose=False,
                external_data=weights > _LARGEST,
            )
        except torch.onnx.OnnxExporterError as error:
            name = type(encoder.backbone).__name__
            raise InputError(f"{name} cannot be exported to ONNX; keep this model in torch.") from error
    encoder.tokenizer.backend_tokenizer.save(str(place / TOKENIZER))
    (place / SETTINGS).write_text(json.dumps(_settings(encoder), indent=1) + "\n", encoding="utf-8")
    return place


def quantise(folder: Path, out: Path) -> Path:
    """The network of ``folder`` with its linear layers' weights in int8, activations quantised as they come.

    Weights have a scale per output; embedding tables stay in float32. Seven bits are used, since processors without
    VNNI add pairs of products in 16 bits, which eight overflow.
    """
    packages("onnx", "onnxruntime")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    out.mkdir(parents=True, exist_ok=True)
    with _quiet():
        quantize_dynamic(
            folder / NETWORK,
            out / NETWORK,
            op_types_to_quantize=["MatMul", "Gemm"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            use_external_data_format=(folder / f"{NETWORK}.data").exists(),
        )
    for name in (TOKENIZER, SETTINGS):
        shutil.copy(folder / name, out / name)
    return out


def in_onnx(encoder: Encoder, cache: Cache, *, int8: bool, threads: int = 1) -> OnnxEncoder:
    """``encoder`` exported, and quantised if asked, once per content.

    Raises:
        InputError: see ``write_onnx``.
    """
    packages("onnx", "onnxruntime", "onnxscript")

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as work:
            if int8:
                quantise(write_onnx(encoder, work), folder)
            else:
                write_onnx(encoder, folder)

    key = digest("onnx", _VERSION, encoder.digest, int8)
    return OnnxEncoder(cache.folder("onnx", key, make), threads=threads, identity=key)


def _network(encoder: Encoder):
    import torch

    class Whole(torch.nn.Module):
        """From token ids to unit vectors."""

        def __init__(self):
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids, attention_mask, prompt_length):
            vectors = self.encoder(input_ids, attention_mask, prompt_length)
            return torch.nn.functional.normalize(vectors, dim=-1)

    return Whole().eval()


def _settings(encoder: Encoder) -> dict[str, object]:
    return {
        "dimension": encoder.dimension,
        "max_length": encoder.max_length,
        "truncation_side": encoder.tokenizer.truncation_side,
        "padding_side": encoder.tokenizer.padding_side,
        "pad_id": encoder.pad_id,
        "prompts": {kind: tokens.prompt_of(encoder.prompts, kind) for kind in tokens.KINDS},
        "prompt_lengths": {kind: encoder.prompt_length(kind) for kind in tokens.KINDS},
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells of torchvision's operators and its own renaming, the quantiser of a step of no use here."""
    loggers = [logging.getLogger(name) for name in (None, "torch.onnx")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
