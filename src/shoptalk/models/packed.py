"""BERT over texts laid end to end, so that matrix products are few, large and free of padding.

A padded batch spends up to half of its products on padding, and a batch cut into small padded chunks pays for many
small calls. Here every linear layer runs once over the tokens of all texts; attention alone runs block by block, over
texts of nearly one length. The arithmetic is that of the transformers module whose weights are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

_NARROWEST = 0.99
"""The shortest text of a block over its longest. More blocks cost less than the padding of fewer."""

_ROWS = 64
"""Outside training many rows are filled up to a multiple of it: of few sizes, freed memory fits the next request."""


class Block(NamedTuple):
    """Texts ``start`` to ``stop``, padded to ``width`` tokens; ``mask`` bool [b, 1, 1, w] hides padding, if any."""

    start: int
    stop: int
    width: int
    mask: Tensor | None

    @property
    def tokens(self) -> int:
        """With padding."""
        return (self.stop - self.start) * self.width


def blocks(lengths: Sequence[int] | np.ndarray) -> list[Block]:
    """Runs of texts of nearly one length; the longest texts come first."""
    lengths = np.maximum(np.asarray(lengths), 1)
    cut, start = [], 0
    while start < len(lengths):
        width = int(lengths[start])
        stop = int(np.searchsorted(-lengths, -width * _NARROWEST, side="right"))
        part = torch.from_numpy(lengths[start:stop])
        full = bool((lengths[start:stop] == width).all())
        mask = None if full else (torch.arange(width) >= part[:, None])[:, None, None]
        cut.append(Block(start, stop, width, mask))
        start = stop
    return cut


class Layer(NamedTuple):
    """One layer's weights in the dtype of the products; layer norms keep theirs."""

    qkv: tuple[Tensor, Tensor]
    joined: tuple[Tensor, Tensor]
    first_norm: nn.LayerNorm
    widened: tuple[Tensor, Tensor]
    narrowed: tuple[Tensor, Tensor]
    second_norm: nn.LayerNorm


class PackedBert:
    """The layers of a BERT as they are now, their weights cast once.

    Args:
        backbone: a transformers model for which ``fits`` is true.
        dtype: of the products and of what flows between layers.
    """

    def __init__(self, backbone: nn.Module, dtype: torch.dtype):
        self.embeddings, self.dtype = backbone.embeddings, dtype
        self.heads = backbone.config.num_attention_heads
        self.layers = [_cast(layer, dtype) for layer in backbone.encoder.layer]

    @staticmethod
    def fits(backbone: nn.Module) -> bool:
        """Whether the model is a plain BERT (or XLM-R), post-norm, with exact GELU and without dropout as it stands."""
        config = getattr(backbone, "config", None)
        return (
            getattr(config, "model_type", None) in ("bert", "xlm-roberta", "roberta")
            and type(backbone).__name__ in ("BertModel", "XLMRobertaModel", "RobertaModel")
            and config.hidden_act == "gelu"
            and not config.is_decoder
            and not (backbone.training and (config.hidden_dropout_prob or config.attention_probs_dropout_prob))
            and not any(getattr(module, "gradient_checkpointing", False) for module in backbone.modules())
            and all(type(m) is nn.Linear for m in backbone.encoder.modules() if hasattr(m, "in_features"))
        )

    def __call__(self, words: Sequence[Tensor], cut: Sequence[Block]) -> list[Tensor]:
        """Word vectors [b, w, h] of each block to token vectors [b, w, h] of each, in ``dtype``."""
        embedded = [self.embeddings(inputs_embeds=part) for part in words]
        sizes = [block.tokens for block in cut]
        with torch.autocast(embedded[0].device.type, enabled=False):
            hidden = torch.cat([part.reshape(size, -1) for part, size in zip(embedded, sizes, strict=True)])
            hidden = hidden.to(self.dtype)
            if not torch.is_grad_enabled() and len(hidden) > 8 * _ROWS:
                sizes.append(-len(hidden) % _ROWS)
                hidden = functional.pad(hidden, (0, 0, 0, sizes[-1]))
            for layer in self.layers:
                hidden = self._layer(layer, hidden, cut, sizes)
        parts = hidden.split(sizes)  # one more than blocks where rows were filled up
        return [part.view(b.stop - b.start, b.width, -1) for part, b in zip(parts, cut, strict=False)]

    def _layer(self, layer: Layer, hidden: Tensor, cut: Sequence[Block], sizes: list[int]) -> Tensor:
        mixed = functional.linear(hidden, *layer.qkv).split(sizes)
        parts = [self._attend(part, block) for part, block in zip(mixed, cut, strict=False)]
        seen = torch.cat([*parts, *(rest[:, : hidden.shape[1]] for rest in mixed[len(cut) :])])
        del mixed, parts
        hidden = _normed(layer.first_norm, functional.linear(seen, *layer.joined).add_(hidden))
        del seen
        wide = functional.linear(hidden, *layer.widened)
        # The backward pass needs what went into GELU.
        wide = functional.gelu(wide) if torch.is_grad_enabled() else torch.ops.aten.gelu_(wide)
        return _normed(layer.second_norm, functional.linear(wide, *layer.narrowed).add_(hidden))

    def _attend(self, mixed: Tensor, block: Block) -> Tensor:
        """Queries, keys and values [b * w, 3h] of one block to what its tokens saw [b * w, h]."""
        texts = block.stop - block.start
        query, key, value = mixed.view(texts, block.width, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        if block.mask is not None:
            scores = scores.masked_fill(block.mask, torch.finfo(scores.dtype).min)
        return (scores.softmax(-1) @ value).transpose(1, 2).reshape(texts * block.width, -1)


def _cast(layer: nn.Module, dtype: torch.dtype) -> Layer:
    own, attention = layer.attention.self, layer.attention
    three = (own.query, own.key, own.value)

    def both(linear: nn.Linear) -> tuple[Tensor, Tensor]:
        return linear.weight.to(dtype), linear.bias.to(dtype)

    return Layer(
        (torch.cat([part.weight for part in three]).to(dtype), torch.cat([part.bias for part in three]).to(dtype)),
        both(attention.output.dense),
        attention.output.LayerNorm,
        both(layer.intermediate.dense),
        both(layer.output.dense),
        layer.output.LayerNorm,
    )


def _normed(norm: nn.LayerNorm, hidden: Tensor) -> Tensor:
    # Mixed: vectors may be bf16, the norm's weights stay float32.
    return functional.layer_norm(hidden, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
