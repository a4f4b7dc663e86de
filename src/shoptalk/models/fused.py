"""BERT's widest layer and its GELU as one oneDNN call, for bf16 inference on a CPU.

The plain bf16 GELU costs as much as the two matrix products around it; oneDNN applies it while the
product is still in the cache. The call is the one PyTorch's own compiler emits.
"""

import torch
from torch import Tensor, nn


class FusedGelu(nn.Module):
    """``gelu(x @ W.T + b)`` over weights laid out once for oneDNN; no gradients."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())
        self.bias = linear.bias

    def forward(self, vectors: Tensor) -> Tensor:
        """[..., in] to [..., out]."""
        return torch.ops.mkldnn._linear_pointwise(vectors, self.weight, self.bias, "gelu", [], "none")


def can_fuse() -> bool:
    """Whether this processor's oneDNN has bf16 layers (AVX-512 or better)."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def fuse(network: nn.Module) -> nn.Module:
    """Replace, in place and where ``can_fuse``, every ``dense`` and exact-GELU pair as BERT and its kin have it."""
    if not can_fuse():
        return network
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if _is_gelu_layer(child):
                setattr(parent, name, FusedGelu(child.dense))
    return network


def _is_gelu_layer(module: nn.Module) -> bool:
    names = [name for name, _ in module.named_children()]
    if sorted(names) != ["dense", "intermediate_act_fn"] or not isinstance(module.dense, nn.Linear):
        return False
    activation = module.intermediate_act_fn
    exact = type(activation).__name__ == "GELUActivation" or getattr(activation, "approximate", None) == "none"
    return exact and module.dense.weight.dtype == torch.bfloat16 and module.dense.weight.device.type == "cpu"
