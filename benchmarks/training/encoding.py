"""How fast are documents embedded, against SentenceTransformer.encode, and how near to what the processor can do?

The same sample of the embedded domain's documents, from texts to vectors in one process: `encode` with its defaults, in
float32 and with bf16 weights (`model.bfloat16()`), against `Encoder.embed` in its own precision and in fp32. All sides'
vectors must point the same way.

The ceiling is the GFLOP/s of torch's matrix product at MiniLM's shapes, 2,048 tokens at a time, in the same number
format: the better of two layouts of the weights, best of several calls. What is achieved of it counts 2 FLOPs for each
weight outside the embedding tables and each real token; attention's products, padding and tokenising count nothing, so
that they lower it.

    python benchmarks/training/encoding.py [--documents 2048] [--rounds 3] [--threads N]

Asked: documents per second at least 4.5 times those of encode in float32 and 1.4 times those in bf16. Aimed at: 60 % of
the ceiling. The ratio to bf16 is judged only where the processor has bf16 units; elsewhere --peer-bf16 tells it,
emulated.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from common import (
    CONSOLE,
    MODEL,
    Check,
    add_bf16,
    add_work,
    against_bf16,
    bf16_units,
    cell,
    judge,
    own_precision,
    parser,
    rounds,
    spread,
    table,
    write,
)
from data import load, sample
from sentence_transformers import SentenceTransformer
from torch.nn import functional

from shoptalk.models.encoder import Encoder
from shoptalk.models.loading import resolve
from shoptalk.system import set_threads

ASKED, ASKED_BF16, AIMED = 4.5, 1.4, 0.6
SHAPES = {"widen": (384, 1536, 1), "narrow": (1536, 384, 1), "attention": (384, 384, 4)}
"""Inner and outer width of a layer's products, and how many of them a layer has."""
TOKENS = 2048
PEER, PEER_BF16, OURS, OURS_FP32 = "peer, fp32", "peer, bf16", "ours, auto", "ours, fp32"
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def seconds(work: Callable[[], Any]) -> float:
    """How long ``work`` takes by the clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@torch.inference_mode()
def ceiling(dtype: torch.dtype, calls: int = 20) -> float:
    """FLOP/s of a layer's matrix products in ``dtype``, each at the best of ``calls``."""
    flops = took = 0.0
    for inner, outer, times in SHAPES.values():
        rows, weight = torch.randn(TOKENS, inner).to(dtype), torch.randn(outer, inner).to(dtype)
        turned = weight.T.contiguous()
        layouts = (lambda rows=rows, weight=weight: functional.linear(rows, weight)), (lambda a=rows, b=turned: a @ b)
        took += times * min(seconds(product) for product in layouts for _ in range(calls))
        flops += times * 2 * TOKENS * inner * outer
    return flops / took


def flops_of(encoder: Encoder, texts: list[str]) -> float:
    """2 for each real token of ``texts`` and each weight outside the embedding tables and the unused pooler."""
    named = encoder.backbone.named_parameters()
    weights = sum(weight.numel() for name, weight in named if not name.startswith(("embeddings.", "pooler.")))
    return 2.0 * weights * len(encoder.tokenize(texts, "document").values)


def sides(texts: list[str], bf16: bool) -> dict[str, Callable[[], np.ndarray]]:
    """Who embeds ``texts``."""
    folder = str(resolve(MODEL))
    peer, encoder = SentenceTransformer(folder, device="cpu"), Encoder.load(folder)
    found = {PEER: lambda: peer.encode(texts), OURS: lambda: encoder.embed(texts, "document")}
    if bf16:
        rounded = SentenceTransformer(folder, device="cpu").bfloat16()
        found[PEER_BF16] = lambda: rounded.encode(texts)
    if own_precision() != "fp32":
        found[OURS_FP32] = lambda: encoder.embed(texts, "document", precision="fp32")
    return found


def agreement(vectors: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Per side the least cosine of its vector of a text and the peer's in fp32."""
    reference = vectors[PEER] / np.linalg.norm(vectors[PEER], axis=1, keepdims=True)
    units = {name: np.float32(v) / np.linalg.norm(np.float32(v), axis=1, keepdims=True) for name, v in vectors.items()}
    return {name: float((unit * reference).sum(1).min()) for name, unit in units.items()}


def measure(texts: list[str], count: int, bf16: bool) -> dict[str, dict[str, Any]]:
    """Per side documents per second, agreement and share of the ceiling."""
    found = sides(texts, bf16)
    near = agreement({name: side() for name, side in found.items()})
    for name, cosine in near.items():
        assert cosine > 0.98, f"{name} embeds something else: a cosine of {cosine:.4f}"
    took = rounds({name: lambda side=side: seconds(side) for name, side in found.items()}, count)
    ceilings = {dtype: ceiling(DTYPES[dtype]) for dtype in sorted({_dtype(name) for name in found})}
    flops = flops_of(Encoder.load(str(resolve(MODEL))), texts)
    figures = {}
    for name, line in took.items():
        speed, top = spread([len(texts) / s for s in line]), ceilings[_dtype(name)]
        achieved = flops / len(texts) * speed["median"]
        figures[name] = {
            "documents_per_s": speed,
            "least_cosine": near[name],
            "gflops": achieved / 1e9,
            "ceiling_gflops": top / 1e9,
            "share": achieved / top,
        }
    return figures


def _dtype(name: str) -> str:
    return own_precision() if name == OURS else name.rsplit(" ", 1)[1]


def ratio(figures: Mapping[str, Any], name: str) -> float:
    """Our documents per second over those of a side, both medians."""
    return figures[OURS]["documents_per_s"]["median"] / figures[name]["documents_per_s"]["median"]


def show(figures: Mapping[str, Any], documents: int) -> None:
    """A row for each side."""
    shown = table(
        f"Embedding {documents:,} documents",
        ["side", "documents/s (rounds)", "ours / this", "GFLOP/s", "ceiling", "share", "least cosine"],
    )
    for name, figure in figures.items():
        emulated = " (emulated)" if _dtype(name) == "bf16" and not bf16_units() else ""
        label = f"{name} ({own_precision()})" if name == OURS else name + emulated
        shown.add_row(
            label, cell(figure["documents_per_s"]), f"{ratio(figures, name):.2f}", f"{figure['gflops']:.0f}",
            f"{figure['ceiling_gflops']:.0f}", f"{figure['share']:.0%}", f"{figure['least_cosine']:.4f}",
        )  # fmt: skip
    CONSOLE.print(shown)


def checks_of(figures: Mapping[str, Any]) -> list[Check]:
    """Two ratios and the share of the ceiling."""
    own = f"Encoding: ours, {own_precision()}"
    figure = ratio(figures, PEER_BF16) if PEER_BF16 in figures else None
    over_bf16 = against_bf16(f"{own}, over peer, bf16", figure, ASKED_BF16)
    share = Check(f"{own}, share of the ceiling (aimed at)", figures[OURS]["share"], AIMED)
    return [Check(f"{own}, over peer, fp32", ratio(figures, PEER), ASKED), over_bf16, share]


def main(chosen: argparse.Namespace) -> None:
    """Embed, print, write."""
    set_threads(chosen.threads)
    texts = sample(load(chosen.cache).corpus, chosen.documents, chosen.seed)
    figures = measure(texts, chosen.rounds, chosen.peer_bf16)
    show(figures, len(texts))
    checks = checks_of(figures)
    judge(checks)
    write({"documents": len(texts), "seed": chosen.seed, "sides": figures}, checks, chosen.out, "encoding")


if __name__ == "__main__":
    options = parser(__doc__)
    add_work(options)
    options.add_argument("--documents", type=int, default=2048, help="documents embedded; 0 for all (2048)")
    add_bf16(options)
    main(options.parse_args())
