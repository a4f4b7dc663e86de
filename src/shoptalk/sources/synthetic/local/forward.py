"""One call of a transformers language model."""

import inspect

from torch import Tensor


def forward(network, columns: Tensor, mask: Tensor, cache) -> Tensor:
    """Read the token ids ``columns`` [b, c] behind what ``cache`` holds, which gains them.

    Args:
        mask: int64 [b, t], over all slots so far, 0 where a row is padded.

    Returns:
        Logits [b, v] of what comes behind the last column.
    """
    known = inspect.signature(network.forward).parameters
    positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)[:, -columns.shape[1] :]
    # Models of some architectures take no positions, and older ones give the logits of all columns.
    extra = {key: value for key, value in (("position_ids", positions), ("logits_to_keep", 1)) if key in known}
    extra |= told(network, cache)
    return network(input_ids=columns, attention_mask=mask, use_cache=True, **extra).logits[:, -1]


def told(network, cache) -> dict:
    """The cache under the name that the model's ``forward`` has for it, which differs with transformers' release."""
    known = inspect.signature(network.forward).parameters
    return {"cache" if "cache" in known else "past_key_values": cache}
