"""Linear layers as oneDNN calls that take what follows along, for bf16 inference on a CPU.

The plain bf16 GELU costs as much as the two matrix products around it; oneDNN applies it, or adds the residual, while
the product is still in the cache. The calls are the ones PyTorch's own compiler emits. Each overload is named: the
common name tries them in turn, and to refuse one it reads the bias number by number, which takes longer than the layer.
"""

import torch
from torch import Tensor, nn


class OneDnnLinear:
    """``x @ W.T + b`` over weights laid out once for oneDNN; no gradients.

    Args:
        weight: bf16 [out, in]. bias: bf16 [out].
    """

    def __init__(self, weight: Tensor, bias: Tensor):
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach())
        self.bias = bias.detach()

    def __call__(self, vectors: Tensor) -> Tensor:
        """[..., in] to [..., out]."""
        return self._pointwise(vectors, "none", "")

    def gelu(self, vectors: Tensor) -> Tensor:
        """The same and its exact GELU."""
        return self._pointwise(vectors, "gelu", "none")

    def plus(self, vectors: Tensor, residual: Tensor) -> Tensor:
        """The same and ``residual`` [..., out]."""
        return torch.ops.mkldnn._linear_pointwise.binary(vectors, residual, self.weight, self.bias, "add")

    def _pointwise(self, vectors: Tensor, name: str, algorithm: str) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise.default(vectors, self.weight, self.bias, name, [], algorithm)


class FusedGelu(nn.Module):
    """BERT's widest layer with its GELU; no gradients."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.linear = OneDnnLinear(linear.weight, linear.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """[..., in] to [..., out]."""
        return self.linear.gelu(vectors)


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
