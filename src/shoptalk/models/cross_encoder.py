"""A cross-encoder: one transformer reads query and document together and gives one logit."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.models import loading, tokens
from shoptalk.models.attention import choose_attention
from shoptalk.models.encoder import Encoder
from shoptalk.models.pairs import SECOND, PairTokenizer
from shoptalk.models.precision import inference
from shoptalk.models.ragged import Ragged
from shoptalk.models.tokens import Progress

_WEIGHTS = "cross_encoder.safetensors"


class PooledScorer(nn.Module):
    """A transformer, the means u and v of query and document tokens, a linear layer over (u, v, |u - v|, uv).

    The two texts attend to each other in the transformer; comparing their means behind it spares the new
    head from finding out what a bi-encoder's weights already know. The features are those of
    Sentence-BERT's classification objective (Reimers and Gurevych 2019, section 3), with the product.
    """

    def __init__(self, backbone: nn.Module, head: nn.Linear):
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, inputs: Mapping[str, Tensor], segments: Tensor) -> Tensor:
        """The transformer's inputs and the segments (1 in the document) [b, t] to logits [b]."""
        hidden, mask = self.backbone(**inputs).last_hidden_state, inputs["attention_mask"]
        query, document = self._mean(hidden, mask * (1 - segments)), self._mean(hidden, mask * segments)
        features = torch.cat([query, document, (query - document).abs(), query * document], dim=-1)
        return self.head(features.to(self.head.weight.dtype)).squeeze(-1)

    @staticmethod
    def _mean(hidden: Tensor, mask: Tensor) -> Tensor:
        weight = mask.to(hidden.dtype)
        return torch.bmm(weight.unsqueeze(1), hidden).squeeze(1) / weight.sum(1, keepdim=True).clamp(min=1)


class HubScorer(nn.Module):
    """A transformers model for sequence classification, its head as it is, without any activation behind it.

    With two outputs, irrelevant and relevant, their difference is the logit of their softmax.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, inputs: Mapping[str, Tensor], segments: Tensor) -> Tensor:
        """The transformer's inputs [b, t] to logits [b]; it needs no segments beside them."""
        logits = self.model(**inputs).logits
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits.squeeze(-1)


class CrossEncoder(nn.Module):
    """Scores (query, document) pairs; logits, so that a sigmoid of them is a probability before calibration.

    Attributes:
        outputs: of the model; with two a score is their difference.
    """

    def __init__(self, scorer: PooledScorer | HubScorer, tokenizer, config, max_length: int, outputs: int = 1):
        super().__init__()
        self.outputs = outputs
        self.scorer, self.tokenizer, self.max_length = scorer, tokenizer, max_length
        self.pairs = PairTokenizer(tokenizer, max_length)
        typed = getattr(config, "type_vocab_size", 0) > 1 and "token_type_ids" in tokenizer.model_input_names
        self.segments = typed and self.pairs.typed

    @classmethod
    def load(
        cls,
        name: str,
        *,
        revision: str | None = None,
        trust_remote_code: bool = False,
        max_length: int | None = None,
        dropout: float = 0.0,
        option: str = "teacher",
    ) -> CrossEncoder:
        """Read a sequence-classification model with one or two outputs from a folder or the hub.

        ``option`` is what names the model in the configuration, for messages.

        Raises:
            InputError: not found, no such model, or another number of outputs.
        """
        from transformers import AutoModelForSequenceClassification

        from shoptalk.models.reading import read_tokenizer

        folder = loading.resolve(name, revision, trust_remote_code, option)
        config = loading.read_config(folder, trust_remote_code, option)
        if not any("SequenceClassification" in part for part in config.architectures or ()):
            raise InputError(f"{name}: has no classification head, so it is no cross-encoder; choose another model.")
        if config.num_labels not in (1, 2):
            raise InputError(
                f"{name}: gives {config.num_labels} outputs where one (how relevant) or two (irrelevant, relevant) are "
                "needed; choose another model."
            )
        loading.require_safetensors(folder)
        loading.set_dropout(config, dropout)
        tokenizer = read_tokenizer(folder, trust_remote_code)
        if getattr(config, "pad_token_id", None) is None:
            # A decoder's head reads the last token that is none of padding, and must be told which one that is.
            config.pad_token_id = tokenizer.pad_token_id or 0
        if getattr(config, "use_cache", False):
            config.use_cache = False
        with loading.quiet():
            model = AutoModelForSequenceClassification.from_pretrained(
                folder, config=config, use_safetensors=True, dtype=torch.float32, trust_remote_code=trust_remote_code
            )
        length = tokens.fitting_length(tokenizer, config, None, max_length, option)
        return cls(HubScorer(model), tokenizer, config, length, config.num_labels)

    @classmethod
    def from_encoder(
        cls, encoder: Encoder, layers: int | None = None, *, max_length: int | None = None, seed: int = 0
    ) -> CrossEncoder:
        """A copy of an encoder's transformer under a fresh linear head drawn from ``seed``.

        Args:
            layers: keep this many layers from the bottom; ``None`` keeps all.
            max_length: of a pair in tokens; ``None`` for twice the encoder's, as far as the positions reach.
        """
        if not isinstance(encoder, Encoder):
            raise InputError(
                "A static model has no transformer to make a cross-encoder of; choose teacher=hub or negatives=ann."
            )
        backbone = copy.deepcopy(encoder.backbone)
        config = backbone.config
        if layers is not None:
            _keep(backbone, layers)
        limit = tokens.fitting_length(encoder.tokenizer, config, 1_000_000, None)
        asked = max_length or min(2 * encoder.max_length, limit)
        length = tokens.fitting_length(encoder.tokenizer, config, None, asked, "teacher")
        head = nn.Linear(4 * config.hidden_size, 1)
        with torch.no_grad():
            head.weight.normal_(0.0, 0.02, generator=torch.Generator().manual_seed(seed))
            head.bias.zero_()
        return cls(PooledScorer(backbone, head), encoder.tokenizer, config, length)

    def train(self, mode: bool = True) -> CrossEncoder:
        """Training or evaluation mode, with the attention that is fast in it."""
        super().train(mode)
        backbone = getattr(self.scorer, "backbone", None) or self.scorer.model
        choose_attention(backbone, mode, next(self.scorer.parameters()).device.type)
        return self

    def tokenize(self, queries: Sequence[str], documents: Sequence[str]) -> Ragged:
        """Flat token ids per pair, for ``pad``; see ``PairTokenizer``."""
        return self.pairs(queries, documents)

    def pad(self, ids: Ragged) -> tuple[Tensor, Tensor, Tensor]:
        """``(input_ids, attention_mask, token_type_ids)``, int64 [b, t], on the CPU.

        The document has type 1, also where the tokenizer itself tells no types apart.
        """
        marked, mask = tokens.pad(ids, self.tokenizer.pad_token_id or 0, self.tokenizer.padding_side)
        return marked & ~SECOND, mask, (marked & SECOND) >> 30

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """[b, t] each to logits [b]; the transformer gets token types only where it knows them."""
        return self._logits(self.scorer, input_ids, attention_mask, token_type_ids)

    def score(
        self,
        queries: Sequence[str],
        documents: Sequence[str],
        *,
        precision: str = "auto",
        progress: Progress | None = None,
        chunk_tokens: int | None = None,
    ) -> np.ndarray:
        """Logits float32 [n] of pairs, in their order; arguments as of ``Encoder.embed``."""
        ids = self.tokenize(queries, documents)
        device = next(self.scorer.parameters()).device
        budget = chunk_tokens or tokens.FASTEST[device.type]
        with inference(self.scorer, precision, device) as scorer:

            def logits(pairs: Ragged) -> Tensor:
                return self._logits(scorer, *(part.to(device) for part in self.pad(pairs)))

            return tokens.apply(logits, ids, torch.empty(len(ids)), budget, progress)

    @property
    def digest(self) -> str:
        """Hash of the weights as they are now and of all that codes a pair."""
        return digest(
            "cross-encoder", tokens.digest_weights(self), tokens.digest_tokenizer(self.tokenizer), self.max_length
        )

    def save(self, folder: str | Path) -> None:
        """Write the weights into a folder; ``restore`` reads them into a cross-encoder built the same way."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        save_model(self, str(Path(folder) / _WEIGHTS))

    def restore(self, folder: str | Path) -> CrossEncoder:
        """Take the weights ``save`` wrote from a cross-encoder of the same shape; returns itself."""
        load_model(self, str(Path(folder) / _WEIGHTS))
        return self

    def _logits(self, scorer: nn.Module, input_ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        extra = {"token_type_ids": types} if self.segments else {}
        return scorer({"input_ids": input_ids, "attention_mask": mask, **extra}, types)


def _keep(backbone: nn.Module, layers: int) -> None:
    """Drop all but the first ``layers`` layers of a transformer."""
    total = backbone.config.num_hidden_layers
    if not 1 <= layers <= total:
        raise InputError(f"teacher.layers={layers}: the transformer has {total}; choose between 1 and {total}.")
    stacks = [
        (parent, name)
        for parent in backbone.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == total
    ]
    if len(stacks) != 1:
        raise InputError(f"{type(backbone).__name__}: its layers cannot be told apart; leave layers unset.")
    parent, name = stacks[0]
    setattr(parent, name, getattr(parent, name)[:layers])
    backbone.config.num_hidden_layers = layers
