"""What many prompts begin with, computed once."""

import numpy as np
import torch
from torch import Tensor

from shoptalk.sources.synthetic.local.forward import forward


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
