"""BERT over texts laid end to end, so that matrix products are few, large and free of padding.

A padded batch spends up to half of its products on padding, and a batch cut into small padded chunks pays for many
small calls. Here every linear layer runs once over the tokens of all texts; attention alone runs block by block, over
texts of nearly one length. The arithmetic is that of the transformers module whose weights are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from shoptalk.models.attention import attend, laid_out
from shoptalk.models.fused import FusedGelu, OneDnnLinear, can_fuse

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


class Linear(Protocol):
    """A linear layer, with what may follow it."""

    def __call__(self, vectors: Tensor) -> Tensor:
        """Itself."""

    def gelu(self, vectors: Tensor) -> Tensor:
        """Its exact GELU."""

    def plus(self, vectors: Tensor, residual: Tensor) -> Tensor:
        """With ``residual`` added."""


class TorchLinear:
    """``x @ W.T + b`` by torch, with gradients where they are enabled."""

    def __init__(self, weight: Tensor, bias: Tensor):
        self.weight, self.bias = weight, bias

    def __call__(self, vectors: Tensor) -> Tensor:
        """[..., in] to [..., out]."""
        return functional.linear(vectors, self.weight, self.bias)

    def gelu(self, vectors: Tensor) -> Tensor:
        """The same and its exact GELU."""
        wide = self(vectors)
        # The backward pass needs what went into GELU.
        return functional.gelu(wide) if torch.is_grad_enabled() else torch.ops.aten.gelu_(wide)

    def plus(self, vectors: Tensor, residual: Tensor) -> Tensor:
        """The same and ``residual`` [..., out]."""
        return self(vectors).add_(residual)


class Layer(NamedTuple):
    """One layer, its products in one dtype; layer norms keep theirs."""

    qkv: Linear
    joined: Linear
    first_norm: nn.LayerNorm
    widened: Linear
    narrowed: Linear
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
        mixed = layer.qkv(hidden).split(sizes)
        parts = [self._attend(part, block) for part, block in zip(mixed, cut, strict=False)]
        seen = torch.cat([*parts, *(rest[:, : hidden.shape[1]] for rest in mixed[len(cut) :])])
        del mixed, parts
        hidden = _normed(layer.first_norm, layer.joined.plus(seen, hidden))
        del seen
        return _normed(layer.second_norm, layer.narrowed.plus(layer.widened.gelu(hidden), hidden))

    def _attend(self, mixed: Tensor, block: Block) -> Tensor:
        """Queries, keys and values [b * w, 3h] of one block to what its tokens saw [b * w, h]."""
        parts = mixed.view(block.stop - block.start, block.width, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = attend(*parts, block.mask).transpose(1, 2)
        return laid_out(seen, mixed.dtype).view(len(mixed), -1)


def _cast(layer: nn.Module, dtype: torch.dtype) -> Layer:
    own, attention = layer.attention.self, layer.attention
    three = (own.query, own.key, own.value)
    frozen = dtype == torch.bfloat16 and torch.is_inference_mode_enabled() and can_fuse()

    def made(weight: Tensor, bias: Tensor) -> Linear:
        return (OneDnnLinear if frozen else TorchLinear)(weight.to(dtype), bias.to(dtype))

    def like(linear: nn.Linear) -> Linear:
        return made(linear.weight, linear.bias)

    wide = layer.intermediate
    return Layer(
        made(torch.cat([part.weight for part in three]), torch.cat([part.bias for part in three])),
        like(attention.output.dense),
        attention.output.LayerNorm,
        wide.linear if isinstance(wide, FusedGelu) else like(wide.dense),
        like(layer.output.dense),
        layer.output.LayerNorm,
    )


def _normed(norm: nn.LayerNorm, hidden: Tensor) -> Tensor:
    # Mixed: vectors may be bf16, the norm's weights stay float32.
    return functional.layer_norm(hidden, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
