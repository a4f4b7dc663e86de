"""What many prompts begin with, computed once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from shoptalk.models.ragged import Ragged
from shoptalk.sources.synthetic.local.forward import forward

_FEW = 8
"""Prompts with a prefix of their own below which they are written together with others."""


@dataclass(frozen=True)
class Group:
    """Prompts that are written one batch after another.

    Attributes:
        rows: of all prompts.
        shared: number of tokens they all begin with; each has at least one more.
    """

    rows: np.ndarray
    shared: int


def groups(ids: Ragged, prefixes: Sequence[str]) -> list[Group]:
    """A group for each prefix that is frequent enough, and one for the others."""
    by_prefix: dict[str, list[int]] = defaultdict(list)
    for row, prefix in enumerate(prefixes):
        by_prefix[prefix].append(row)
    large = [rows for rows in by_prefix.values() if len(rows) >= _FEW]
    others = [row for rows in by_prefix.values() if len(rows) < _FEW for row in rows]
    return [Group(np.array(rows), _shared(ids, rows)) for rows in [*large, others] if rows]


def _shared(ids: Ragged, rows: Sequence[int]) -> int:
    if len(rows) == 1:
        return 0
    first = ids[rows[0]]
    shared = int(ids.lengths[rows].min()) - 1
    for row in rows:
        differing = np.flatnonzero(ids[row][:shared] != first[:shared])
        shared = int(differing[0]) if len(differing) else shared
    return shared


def can_share(config) -> bool:
    """Whether the model keeps nothing but keys and values by token, of all tokens or of a window of the last ones."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    if config.is_encoder_decoder:
        return False
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in DynamicCache(config=config).layers)


class Head:
    """Keys and values of the tokens that prompts begin with.

    They are spread over a batch as if each row had been computed whole, behind its padding: slot for slot what the
    model itself would have cached, so that windows of attention, which count slots, need no special care.

    Args:
        network: a causal language model for which ``can_share`` holds.
        ids: int [p], p at least 1.
    """

    @torch.inference_mode()
    def __init__(self, network, ids: np.ndarray):
        from transformers import DynamicCache

        self.size = len(ids)
        self.config = network.config
        # Without a config no layer drops what left its window: a padded row's window begins earlier.
        self._cache = DynamicCache()
        columns = torch.from_numpy(ids.astype(np.int64))[None].to(network.device)
        forward(network, columns, torch.ones_like(columns), self._cache)

    @torch.inference_mode()
    def spread(self, padding: Tensor):
        """A cache of the first ``size`` slots of rows that begin with ``padding`` [b] empty slots."""
        from transformers import DynamicCache

        slots = torch.arange(self.size, device=padding.device)
        source = (slots - padding[:, None]).clamp(min=0)
        cache = DynamicCache(config=self.config)
        for number, layer in enumerate(self._cache.layers):
            keys, values = (kept[0][:, source].transpose(0, 1) for kept in (layer.keys, layer.values))
            cache.update(keys, values, number)
        return cache
