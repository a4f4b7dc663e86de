"""Which attention kernel a transformer runs with."""

from torch import nn


def choose_attention(backbone: nn.Module, training: bool, device: str) -> None:
    """PyTorch's fused attention; the plain one where a CPU trains: the fused backward pass takes ten times as long."""
    told = getattr(getattr(backbone, "config", None), "_attn_implementation", None)
    if told in ("sdpa", "eager") and hasattr(backbone, "set_attn_implementation"):
        backbone.set_attn_implementation("eager" if training and device == "cpu" else "sdpa")
