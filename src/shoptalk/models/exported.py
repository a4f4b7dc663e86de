"""An encoder in ONNX, run without torch. Needs the extra ``onnx``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.models import tokens
from shoptalk.models.ragged import Ragged

if TYPE_CHECKING:
    from shoptalk.models.tokens import Progress

NETWORK, TOKENIZER, SETTINGS = "model.onnx", "tokenizer.json", "encoder.json"
"""Files of a folder: token ids to unit vectors; texts to token ids; what stands around the two."""

INPUTS = ("input_ids", "attention_mask", "prompt_length")


class OnnxEncoder:
    """A folder in ONNX that embeds as the ``Encoder`` it was written from.

    With int8 a text's vector depends a little on the texts beside it: activations share one scale.

    Args:
        folder: what ``write_onnx`` or ``quantise`` left.
        threads: of the matrix products.
        identity: hash of all that determines the vectors, beside ``threads``.

    Raises:
        InputError: the folder is not such a one, or ``onnxruntime`` is missing.
    """

    def __init__(self, folder: str | Path, *, threads: int = 1, identity: str = ""):
        from tokenizers import Tokenizer

        (runtime,) = packages("onnxruntime")
        self.folder, self.digest = Path(folder), digest("onnx", identity, threads)
        missing = [name for name in (NETWORK, TOKENIZER, SETTINGS) if not (self.folder / name).is_file()]
        if missing:
            raise InputError(f"{folder}: holds no {missing[0]}, so it is no encoder in ONNX; export the model again.")
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
            given = dict(zip(INPUTS, (padded, mask, np.int64(self._prompt_lengths[kind])), strict=True))
            (vectors[rows],) = self.session.run(None, {name: np.asarray(given[name]) for name in self._inputs})
            done += len(rows)
            if progress:
                progress(done, len(ids))
        return vectors

    def save(self, folder: str | Path) -> None:
        """Copy the files."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)


def packages(*names: str) -> list:
    """These packages of the extra ``onnx``, imported, in their order."""
    try:
        return [import_module(name) for name in names]
    except ImportError as error:
        raise InputError(f"ONNX needs the package {error.name}: run pip install 'shoptalk[onnx]'.") from error
