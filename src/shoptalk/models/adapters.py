"""Training large encoders in little memory: low-rank adapters, and activations computed twice."""

import torch

from shoptalk.errors import InputError
from shoptalk.models.encoder import Encoder


def add_lora(encoder: Encoder, rank: int, alpha: float, dropout: float, seed: int) -> None:
    """Freeze an encoder and put trainable low-rank matrices beside its linear layers (Hu et al. 2022, section 4.1).

    Args:
        rank: of the matrices, at least 1.
        alpha: what they add is scaled by ``alpha / rank``.
        dropout: of their input, in [0, 1).
        seed: of their first values.
    """
    from peft import LoraConfig, get_peft_model

    if not isinstance(encoder, Encoder):
        raise InputError("trainer.lora.rank is for transformers: a static table has no layers; set it to 0.")
    if rank < 1 or alpha <= 0 or not 0 <= dropout < 1:
        raise InputError(
            f"trainer.lora: rank={rank} must be at least 1, alpha={alpha} above 0, dropout={dropout} in [0, 1)."
        )
    encoder.heads.requires_grad_(False)
    # BERT's pooler stands beside our vectors' way, so it must not train.
    pooler = ".*pooler.*" if hasattr(encoder.backbone, "pooler") else None
    wanted = LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules="all-linear", exclude_modules=pooler
    )
    torch.manual_seed(seed)
    encoder.backbone = get_peft_model(encoder.backbone, wanted)


def merge_lora(encoder: Encoder) -> None:
    """Add the low-rank matrices into the layers beside them, so that the encoder is a plain one again."""
    if hasattr(getattr(encoder, "backbone", None), "merge_and_unload"):
        encoder.backbone = encoder.backbone.merge_and_unload()


def checkpoint_layers(encoder: Encoder) -> None:
    """Keep only each layer's input and compute the layer again in the backward pass (Chen et al. 2016)."""
    backbone = getattr(encoder, "backbone", None)
    if not getattr(backbone, "supports_gradient_checkpointing", False):
        raise InputError("trainer.gradient_checkpointing: this model cannot compute its layers twice; set it to false.")
    backbone.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
