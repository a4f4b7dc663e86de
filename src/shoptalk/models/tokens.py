"""Token ids: prompts, truncation, chunks of similar length, padding.

torch is imported where it is used: a process that serves an exported model does without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.models.ragged import Ragged

if TYPE_CHECKING:
    import torch
    from torch import nn

KINDS = ("query", "document")

FASTEST = {"cpu": 2048, "cuda": 65_536}
"""Padded tokens of a chunk: large enough to feed the matrix units, on a CPU small enough for its caches."""

Progress = Callable[[int, int], None]
"""``progress(done, total)``: texts so far, and in all."""


def prompt_of(prompts: Mapping[str, str | None], kind: str) -> str:
    """What is put before a text of this kind; empty where the model has none.

    As sentence-transformers' ``encode_query`` and ``encode_document``: a model's default prompt name
    applies to neither.
    """
    if kind not in KINDS:
        raise InputError(f"kind '{kind}': must be 'query' or 'document'.")
    return prompts.get(kind) or ""


def check_prompt(kind: str, size: int, max_length: int) -> None:
    """Refuse a prompt of ``size`` tokens, special tokens included, that leaves a text no room."""
    if size >= max_length:
        raise InputError(
            f"model.prompts.{kind} takes {size} tokens of model.max_length={max_length}, which leaves the text none: "
            "shorten the prompt or raise the length."
        )


def chunks(lengths: Sequence[int], budget: int, rows: int = 4096) -> list[np.ndarray]:
    """Split texts into chunks of similar length.

    A chunk holds at most ``budget`` tokens with its padding, at most ``rows`` texts, and at least one.
    Longest first, equal lengths in their given order, so that the plan depends on the lengths alone.

    Returns:
        Index arrays into ``lengths``; together a permutation of it.
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    plan, start = [], 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        size = max(1, min(rows, budget // longest))
        plan.append(order[start : start + size])
        start += size
    return plan


def pad(ids: Ragged | Sequence[Sequence[int]], pad_id: int, side: str = "right") -> tuple[torch.Tensor, torch.Tensor]:
    """Stack token ids: ``(input_ids, attention_mask)``, both int64 [b, t], t the longest (at least 1)."""
    import torch

    ragged = ids if isinstance(ids, Ragged) else Ragged.of(ids)
    tokens, mask = ragged.padded(pad_id, side)
    return torch.from_numpy(tokens), torch.from_numpy(mask)


def apply(
    use: Callable[[Ragged], torch.Tensor],
    ids: Ragged,
    out: torch.Tensor,
    budget: int,
    progress: Progress | None = None,
) -> np.ndarray:
    """Fill ``out`` [n, ...] with ``use(texts of a chunk)``, chunk by chunk, and give it as an array."""
    plan = chunks(ids.lengths, budget)
    return gather((use(ids.take(rows)) for rows in plan), plan, out, progress)


def gather(
    parts: Iterable[torch.Tensor], plan: Sequence[np.ndarray], out: torch.Tensor, progress: Progress | None = None
) -> np.ndarray:
    """Fill the rows of ``out`` [n, ...] that ``plan`` names with ``parts``, one after the other."""
    import torch

    done = 0
    for part, rows in zip(parts, plan, strict=True):
        out[torch.from_numpy(rows)] = part.float().cpu()
        done += len(rows)
        if progress:
            progress(done, len(out))
    return out.numpy()


def fitting_length(tokenizer, config, stored: int | None, asked: int | None, option: str = "model") -> int:
    """The maximum length in tokens: as asked (by ``option``), else as stored with the model, at most its positions."""
    limit = getattr(config, "max_position_embeddings", None) or 1_000_000
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet", "xlm-roberta-xl"):
        # Their position ids start behind the padding id.
        limit -= (getattr(config, "pad_token_id", None) or 0) + 1
    if asked is not None and not 1 <= asked <= limit:
        raise InputError(f"{option}.max_length={asked}: this model takes between 1 and {limit} tokens.")
    return asked or min(stored or tokenizer.model_max_length, limit)


def around(tokenizer) -> tuple[list[int], list[int]]:
    """The special token ids a tokenizer puts before and behind a text."""
    inner = tokenizer("a", add_special_tokens=False)["input_ids"]
    outer = tokenizer("a")["input_ids"]
    start = next(i for i in range(len(outer)) if outer[i : i + len(inner)] == inner)
    return outer[:start], outer[start + len(inner) :]


def digest_tokenizer(tokenizer) -> str:
    """Hash of a fast tokenizer: its vocabulary and steps, not the last call's truncation and padding."""
    engine = json.loads(tokenizer.backend_tokenizer.to_str())
    engine.pop("truncation"), engine.pop("padding")
    return digest(engine)


def digest_weights(network: nn.Module) -> str:
    """Hash of a network's parameters and buffers as they are now: names, shapes, dtypes, bytes."""
    import torch

    total = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        total.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        total.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return total.hexdigest()[:20]
