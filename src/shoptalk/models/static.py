"""A static encoder: the mean of one trained vector per token, with no transformer at all.

Distilled as in Model2Vec (github.com/MinishLab/model2vec): every vocabulary entry is embedded alone by a
base encoder, the table is centred and, if asked, reduced by PCA, and each row is weighted by smooth
inverse frequency (Arora et al. 2017, section 3) with frequencies guessed from the rank in the vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from shoptalk.cache import digest
from shoptalk.errors import InputError, at
from shoptalk.models import loading, tokens
from shoptalk.models.encoder import Encoder
from shoptalk.models.ragged import Ragged
from shoptalk.models.tokens import Progress

_SIF = 1e-4
_CHUNK_TOKENS = 65_536


def is_static(folder: Path) -> bool:
    """Whether a folder holds a static embedding table by its ``modules.json``."""
    entries = loading.read_json(folder / "modules.json", [])
    return bool(entries) and str(entries[0].get("type", "")).rsplit(".", 1)[-1] == "StaticEmbedding"


class StaticEncoder(nn.Module):
    """Texts to vectors by averaging a table of token vectors; the same interface as ``Encoder``.

    ``forward`` gives plain means, ``embed`` unit rows.

    Attributes:
        learning_rate: what suits training a table, whose rows a step seldom meets.
        origin: reads the transformer that the table was distilled from; ``None`` for a table that was read.
    """

    learning_rate = 1e-2
    origin: Callable[[], Encoder] | None = None

    def __init__(self, table: Tensor, engine, *, max_length: int = 512, prompts: Mapping[str, str] | None = None):
        super().__init__()
        if max_length < 1:
            raise InputError(f"model.max_length={max_length}: must be at least 1.")
        self.embedding = nn.Embedding.from_pretrained(table, freeze=False)
        self.engine, self.max_length = engine, max_length
        self.prompts = {name: text or "" for name, text in (prompts or {}).items()}
        self.notices: list[str] = []
        engine.no_padding()
        engine.enable_truncation(max_length)

    @classmethod
    def load(
        cls,
        name: str,
        *,
        revision: str | None = None,
        trust_remote_code: bool = False,
        max_length: int | None = 512,
        prompts: Mapping[str, str] | None = None,
        dimension: int | None = None,
    ) -> StaticEncoder:
        """Read a static model, or distil one from a transformer encoder.

        Args:
            name: folder, hub id or ``pypi:<package>`` of either.
            dimension: reduce a distilled table to this many dimensions by PCA; ``None`` keeps the encoder's.
        """
        folder = loading.resolve(name, revision, trust_remote_code)
        if is_static(folder):
            return cls.read(folder, max_length=max_length, prompts=prompts)
        origin = partial(Encoder.load, str(folder), trust_remote_code=trust_remote_code)
        table, engine = _distilled(str(folder), trust_remote_code, dimension)
        static = cls(table.clone(), _engine(engine), max_length=max_length or 512, prompts=prompts)
        static.origin = origin
        return static

    @classmethod
    def read(
        cls, folder: Path, *, max_length: int | None = None, prompts: Mapping[str, str] | None = None
    ) -> StaticEncoder:
        """Read a folder that ``save`` or sentence-transformers wrote."""
        from tokenizers import Tokenizer

        place = folder / loading.read_json(folder / "modules.json")[0].get("path", "")
        loading.require_safetensors(place)
        weights = load_file(place / "model.safetensors")
        if "embedding.weight" not in weights:
            raise InputError(f"{at(place / 'model.safetensors')}: holds no embedding.weight; choose another model.")
        engine = Tokenizer.from_file(str(place / "tokenizer.json"))
        settings = loading.read_json(folder / "config_sentence_transformers.json", {})
        kept = engine.truncation["max_length"] if engine.truncation else 512
        merged = {**(settings.get("prompts") or {}), **(prompts or {})}
        return cls(weights["embedding.weight"].float(), engine, max_length=max_length or kept, prompts=merged)

    @classmethod
    def distil(
        cls,
        encoder: Encoder,
        *,
        dimension: int | None = None,
        max_length: int | None = 512,
        prompts: Mapping[str, str] | None = None,
        precision: str = "auto",
    ) -> StaticEncoder:
        """One vector per vocabulary entry from ``encoder``, centred, reduced, weighted."""
        table, engine = _distil(encoder, dimension, precision)
        return cls(table, _engine(engine), max_length=max_length or 512, prompts=prompts)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self.embedding.embedding_dim

    @property
    def device(self) -> torch.device:
        """Where the table is."""
        return self.embedding.weight.device

    def tokenize(self, texts: Sequence[str], kind: str) -> Ragged:
        """Token ids of each text without special tokens, t ≤ ``max_length``, possibly none."""
        prompt = tokens.prompt_of(self.prompts, kind)

        def code(part: Sequence[str]) -> list[list[int]]:
            coded = self.engine.encode_batch([prompt + text for text in part], add_special_tokens=False)
            return [line.ids for line in coded]

        return Ragged.coded(code, texts)

    def prompt_length(self, kind: str) -> int:
        """0: every token counts."""
        return 0

    def forward(self, ids: Tensor, offsets: Tensor) -> Tensor:
        """Token ids [t] of texts that begin at ``offsets`` [b] to mean vectors [b, d]; zero for one without tokens."""
        return nn.functional.embedding_bag(ids, self.embedding.weight, offsets, mode="mean")

    def start(self, texts: Ragged) -> Callable[[np.ndarray, int], Tensor]:
        """Begin one training step over ``texts``; the result gives vectors [k, d] of ``(rows [k], prompt_length)``."""
        return lambda rows, prompt_length=0: self._means(texts.take(rows))

    def embed(
        self,
        texts: Sequence[str],
        kind: str,
        *,
        precision: str = "auto",
        progress: Progress | None = None,
        chunk_tokens: int = _CHUNK_TOKENS,
    ) -> np.ndarray:
        """Unit vectors of texts, float32 [n, d]; a look-up, so ``precision`` makes no difference to it."""
        return self.embed_ids(self.tokenize(texts, kind), progress=progress, chunk_tokens=chunk_tokens)

    @torch.inference_mode()
    def embed_ids(
        self,
        ids: Ragged,
        prompt_length: int = 0,
        *,
        precision: str = "auto",
        progress: Progress | None = None,
        chunk_tokens: int = _CHUNK_TOKENS,
    ) -> np.ndarray:
        """``embed`` of texts that are tokenised already: unit vectors, float32 [n, d]."""

        def unit(texts: Ragged) -> Tensor:
            return nn.functional.normalize(self._means(texts), dim=-1)

        return tokens.apply(unit, ids, torch.empty(len(ids), self.dimension), chunk_tokens, progress)

    def _means(self, texts: Ragged) -> Tensor:
        ids, offsets = (torch.from_numpy(part).to(self.device) for part in (texts.values, texts.offsets[:-1]))
        return self(ids.long(), offsets)

    @property
    def token_digest(self) -> str:
        """Hash of all that determines ``tokenize``."""
        prompts = [tokens.prompt_of(self.prompts, kind) for kind in tokens.KINDS]
        return digest("static tokens", json.loads(self.engine.to_str()), prompts)

    @property
    def digest(self) -> str:
        """Hash of all that determines the vectors: the table as it is now, and the tokens."""
        return digest("static", tokens.digest_weights(self), self.token_digest)

    def save(self, folder: str | Path) -> None:
        """Write a folder that ``SentenceTransformer(folder)`` and ``StaticEncoder.load(folder)`` read."""
        from shoptalk.models.reading import write_settings

        place = Path(folder) / "0_StaticEmbedding"
        place.mkdir(parents=True, exist_ok=True)
        save_file({"embedding.weight": self.embedding.weight.detach().cpu().contiguous()}, place / "model.safetensors")
        self.engine.save(str(place / "tokenizer.json"))
        kinds = (("0_StaticEmbedding", "StaticEmbedding"), ("1_Normalize", "Normalize"))
        entries = [
            {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for index, (path, kind) in enumerate(kinds)
        ]
        (Path(folder) / "1_Normalize").mkdir(exist_ok=True)
        loading.write_json(Path(folder) / "modules.json", entries)
        write_settings(Path(folder), self.prompts)


# A run makes its model twice, a sweep's worker for every trial; the table takes tens of seconds.
@lru_cache(maxsize=1)
def _distilled(folder: str, trust_remote_code: bool, dimension: int | None) -> tuple[Tensor, str]:
    return _distil(Encoder.load(folder, trust_remote_code=trust_remote_code), dimension, "auto")


def _distil(encoder: Encoder, dimension: int | None, precision: str) -> tuple[Tensor, str]:
    """The table, and the tokenizer as JSON."""
    if dimension is not None and not 1 <= dimension <= encoder.dimension:
        raise InputError(f"model.dimension={dimension}: must lie between 1 and {encoder.dimension}.")
    engine = encoder.tokenizer.backend_tokenizer.to_str()
    size = _engine(engine).get_vocab_size()
    head, tail = tokens.around(encoder.tokenizer)
    alone = Ragged.of([[*head, token, *tail] for token in range(size)])
    table = torch.from_numpy(encoder.embed_ids(alone, precision=precision)).double()
    table = table - table.mean(0)
    if dimension is not None:
        # Rows of the eigenvector matrix are sorted by rising variance.
        table = table @ torch.linalg.eigh(table.T @ table)[1][:, -dimension:]
    frequency = 1.0 / torch.arange(2, size + 2, dtype=torch.float64)
    frequency = frequency / frequency.sum()
    table = table * (_SIF / (_SIF + frequency)).unsqueeze(1)
    return table.float().contiguous(), engine


def _engine(told: str):
    from tokenizers import Tokenizer

    return Tokenizer.from_str(told)
