"""How much memory the activations of a batch take, and whether that is there."""

import numpy as np
import torch
from torch import Tensor

from shoptalk.models.ragged import Ragged
from shoptalk.models.tokens import FASTEST
from shoptalk.system import free_memory

_SAMPLE_TOKENS = 1024
_SHARE = 0.5  # of what is free, for activations: gradients and the optimizer's state need some too


def bytes_per_token(encoder, texts: Ragged) -> float:
    """What one token of ``texts`` keeps for the backward pass, measured on some of the longest of them.

    The longest, because attention keeps the square of a text's length. Weights count nothing: they are
    there anyway.
    """
    rows = np.argsort(-texts.lengths, kind="stable")
    rows = rows[: max(1, int(np.searchsorted(np.cumsum(texts.lengths[rows]), _SAMPLE_TOKENS)))]
    weights = {weight.untyped_storage().data_ptr() for weight in encoder.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        # Detached: what a node gave out would keep the node, and the weights with it, for as long as the process lives.
        return tensor.detach()

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # Held until the count is done, lest a freed block's address is given out again.
        vectors = encoder.start(texts)(rows, 0)
    del vectors
    return sum(kept.values()) / max(1, int(texts.lengths[rows].sum()))


def free_bytes(device: torch.device) -> int:
    """Memory that this process may still take on ``device``."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return free_memory()


def fits(activations: float, device: torch.device) -> bool:
    """Whether ``activations`` bytes are no more than a batch should keep at once."""
    return activations <= _SHARE * free_bytes(device)


def chunk_tokens(per_token: float, device: torch.device) -> int:
    """As many tokens as are encoded fastest together, halved until their activations fit."""
    tokens = FASTEST[device.type]
    while tokens > 1 and not fits(tokens * per_token, device):
        tokens //= 2
    return tokens
