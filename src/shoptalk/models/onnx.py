"""An encoder in ONNX: written by torch once, run without it.

A folder holds the network from token ids to unit vectors (``model.onnx``), the tokenizer, and what stands around the
two (``encoder.json``). Needs the extra ``onnx``.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shoptalk.cache import Cache, digest
from shoptalk.errors import InputError
from shoptalk.models import tokens
from shoptalk.models.ragged import Ragged

if TYPE_CHECKING:
    from shoptalk.models.encoder import Encoder
    from shoptalk.models.tokens import Progress

NETWORK, TOKENIZER, SETTINGS = "model.onnx", "tokenizer.json", "encoder.json"
_VERSION = 1
_LARGEST = 1_500_000_000  # bytes of weights that one file may hold; a protocol buffer ends at 2 GB
_INPUTS = ("input_ids", "attention_mask", "prompt_length")


def write_onnx(encoder: Encoder, folder: str | Path) -> Path:
    """Export transformer, pooling and heads in float32, batch and length free; gives the folder.

    Raises:
        InputError: the extra ``onnx`` is missing, or torch cannot export the network.
    """
    import torch

    _packages("onnx", "onnxscript")
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
                input_names=list(_INPUTS),
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
    _packages("onnx", "onnxruntime")
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
    _packages("onnx", "onnxruntime", "onnxscript")

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as work:
            if int8:
                quantise(write_onnx(encoder, work), folder)
            else:
                write_onnx(encoder, folder)

    key = digest("onnx", _VERSION, encoder.digest, int8)
    return OnnxEncoder(cache.folder("onnx", key, make), threads=threads, identity=key)


class OnnxEncoder:
    """A folder in ONNX that embeds as the ``Encoder`` it was written from.

    With int8 a text's vector depends a little on the texts beside it: activations share one scale.

    Args:
        folder: what ``write_onnx`` or ``quantise`` left.
        threads: of the matrix products.
        identity: hash of all that determines the vectors, beside ``threads``.
    """

    def __init__(self, folder: str | Path, *, threads: int = 1, identity: str = ""):
        from tokenizers import Tokenizer

        (runtime,) = _packages("onnxruntime")
        self.folder, self.digest = Path(folder), digest("onnx", identity, threads)
        settings = json.loads((self.folder / SETTINGS).read_text(encoding="utf-8"))
        self.dimension: int = settings["dimension"]
        self.prompts, self._prompt_lengths = settings["prompts"], settings["prompt_lengths"]
        self._pad_id, self._side = settings["pad_id"], settings["padding_side"]
        self.engine = Tokenizer.from_file(str(self.folder / TOKENIZER))
        self.engine.no_padding()
        self.engine.enable_truncation(settings["max_length"], direction=settings["truncation_side"])
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.session = runtime.InferenceSession(str(self.folder / NETWORK), options, providers=["CPUExecutionProvider"])
        self._inputs = [given.name for given in self.session.get_inputs()]

    def tokenize(self, texts: Sequence[str], kind: str) -> Ragged:
        """Token ids of each text, the prompt of ``kind`` before it."""
        prompt = tokens.prompt_of(self.prompts, kind)

        def code(part: Sequence[str]) -> list[list[int]]:
            return [line.ids or [self._pad_id] for line in self.engine.encode_batch([prompt + text for text in part])]

        return Ragged.coded(code, texts)

    def embed(self, texts: Sequence[str], kind: str, *, progress: Progress | None = None) -> np.ndarray:
        """Unit vectors of texts, float32 [n, d], in their order."""
        ids, done = self.tokenize(texts, kind), 0
        vectors = np.empty((len(ids), self.dimension), np.float32)
        for rows in tokens.chunks(ids.lengths, tokens.FASTEST["cpu"]):
            padded, mask = ids.take(rows).padded(self._pad_id, self._side)
            given = dict(zip(_INPUTS, (padded, mask, np.int64(self._prompt_lengths[kind])), strict=True))
            (vectors[rows],) = self.session.run(None, {name: np.asarray(given[name]) for name in self._inputs})
            done += len(rows)
            if progress:
                progress(done, len(ids))
        return vectors

    def save(self, folder: str | Path) -> None:
        """Copy the files."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)


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


def _packages(*names: str) -> list:
    from importlib import import_module

    try:
        return [import_module(name) for name in names]
    except ImportError as error:
        raise InputError(f"ONNX needs the package {error.name}: run pip install 'shoptalk[onnx]'.") from error


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
