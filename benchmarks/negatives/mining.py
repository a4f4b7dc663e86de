"""How fast are hard negatives mined, against sentence_transformers.util.mine_hard_negatives, and in how much memory?

Queries of the embedded domain, its synonyms and then its documents' titles, over its whole corpus: four negatives of
each among the base model's first 30. Ours is what a run does (negatives=ann, index=auto, embeddings through the cache).
The peer has its defaults but for the same model, num_negatives=4, range_max=30 and a cache_folder, which costs it under
a second; no cross-encoder on either side. Each side is a process of its own, which is timed from texts to negatives,
models loaded and one text embedded before, and tells the most memory it has held (VmHWM). A process of each side mines
a few texts before, which does not count, and another finds the embeddings in its cache.

    python benchmarks/negatives/mining.py [--queries 20000] [--documents 0] [--threads N] [--device cuda] [--peer-bf16]

Asked: at least 4 times as fast, embeddings included, which needs bf16 units; at least 50 times as fast with cached
embeddings as the peer is without; at most half its memory, of which a GPU's is no part. Ours embeds in bf16 where that
is multiplied, which is a default of ours and not of the peer's; --peer-bf16 gives the peer weights in bf16 too. Told as
well: how many of the peer's negatives are ours.
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import torch
from hydra.utils import instantiate
from shared import CONSOLE, Check, bf16_units, config, judge, load, parser, peak, started, table, write

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Known
from shoptalk.embedding import CachedEmbed
from shoptalk.models.loading import resolve
from shoptalk.negatives.mined import Mine
from shoptalk.retrieval.dense import Dense
from shoptalk.system import set_threads

ASKED, ASKED_CACHED, ASKED_MEMORY = 4.0, 50.0, 0.5
KEEP, DEPTH, FEW = 4, 30, 100
WARMING = ["a text before the clock starts: a GPU loads its kernels when they are first used"]
SIDES = ("ours", "peer")


def prepare(chosen: argparse.Namespace, folder: Path) -> int:
    """Write passages and pairs (query, row), and a few of them; how many queries there are."""
    domain = load(chosen.cache)
    corpus = domain.corpus
    asked = zip(domain.intents.texts, domain.intents.positives(), strict=True)
    row_of = {query: corpus.index[doc_ids[0]] for query, doc_ids in asked if doc_ids}
    for row, title in enumerate(corpus.titles):
        row_of.setdefault(title, row)
    kept = len(corpus) if not chosen.documents else min(chosen.documents, len(corpus))
    pairs = [(query, row) for query, row in row_of.items() if row < kept][: chosen.queries]
    _write(folder / "texts.json", corpus.passages[:kept], pairs)
    _write(folder / "few.json", corpus.passages[:FEW], [(title, row) for row, title in enumerate(corpus.titles[:FEW])])
    return len(pairs)


def _write(path: Path, passages: list[str], pairs: list[tuple[str, int]]) -> None:
    path.write_text(json.dumps({"passages": passages, "pairs": pairs}))


def ours(
    passages: list[str], pairs: list[tuple[str, int]], cache: Path, threads: int, device: str
) -> tuple[float, list[list[str]]]:
    """Seconds, and the texts of each pair's negatives."""
    cfg = config("negatives=ann", f"negatives.keep={KEEP}", f"negatives.high={DEPTH}")
    encoder, strategy = instantiate(cfg.model).to(device), instantiate(cfg.negatives)
    encoder.embed(WARMING, "query")
    ids = [str(row) for row in range(len(passages))]
    corpus = Corpus(ids, passages, [""] * len(ids))
    table = pl.DataFrame({"query": [q for q, _ in pairs], "doc_id": [str(row) for _, row in pairs]})
    began = time.perf_counter()
    embed = CachedEmbed(encoder, Cache(cache), threads)
    vectors = embed(corpus.passages, "document")
    dense = Dense(embed, vectors, instantiate(cfg.index).over(vectors, Cache(cache)))
    known = Known(table.iter_rows())
    mined = strategy.mine(Mine(table, corpus, known, dense, bm25=dense, seed=0, cache=Cache(cache)))
    took = time.perf_counter() - began
    return took, [[passages[int(d)] for d in line] for line in mined.table["negatives"].to_list()]


def peer(
    passages: list[str], pairs: list[tuple[str, int]], cache: Path, device: str, bf16: bool
) -> tuple[float, list[list[str]]]:
    """The same by sentence-transformers, which leaves out queries with too few negatives."""
    from common import MODEL
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import mine_hard_negatives

    model = SentenceTransformer(str(resolve(MODEL)), device=device)
    model = model.bfloat16() if bf16 else model
    model.encode(WARMING)
    queries, positives = [q for q, _ in pairs], [passages[row] for _, row in pairs]
    began = time.perf_counter()
    mined = mine_hard_negatives(
        Dataset.from_dict({"anchor": queries, "positive": positives}),
        model,
        corpus=passages,
        num_negatives=KEEP,
        range_max=DEPTH,
        cache_folder=str(cache),
        verbose=False,
    )
    took = time.perf_counter() - began
    found: dict[str, list[str]] = {}
    for query, negative in zip(mined["anchor"], mined["negative"], strict=True):
        found.setdefault(query, []).append(negative)
    return took, [found.get(query, []) for query in queries]


def case(
    side: str, texts: Path, cache: Path, threads: int | None, device: str, peer_bf16: bool, told: Path
) -> dict[str, float]:
    """One side, in this process."""
    given, count = json.loads(texts.read_text()), set_threads(threads)
    texts_of = given["passages"], given["pairs"], cache
    took, negatives = ours(*texts_of, count, device) if side == "ours" else peer(*texts_of, device, peer_bf16)
    most = peak()
    told.write_text(json.dumps(negatives))
    return {"seconds": took, "peak_mb": most / 2**20}


def agreement(left: list[list[str]], right: list[list[str]]) -> float:
    """Mean share of ``right``'s negatives of a query that are ``left``'s too."""
    shares = [len({*a} & {*b}) / len({*b}) for a, b in zip(left, right, strict=True) if b]
    return float(np.mean(shares)) if shares else float("nan")


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Both sides, without embeddings and with them."""

    def run(side: str, texts: str, cache: str) -> dict[str, float]:
        return started(
            __file__,
            side=side,
            texts=str(folder / texts),
            cache=str(folder / cache),
            threads=chosen.threads,
            device=chosen.device,
            peer_bf16=chosen.peer_bf16,
            told=str(folder / f"{side}.json"),
        )

    for side in SIDES:
        run(side, "few.json", f"{side} few")  # not measured: it brings libraries from the disk into memory
    figures: dict[str, Any] = {}
    for again in (False, True):
        for side in SIDES:
            name = f"{side}, cached" if again else side
            CONSOLE.print(f"[dim]{name}[/]")
            figures[name] = run(side, "texts.json", side)
    figures["agreement"] = agreement(*(json.loads((folder / f"{side}.json").read_text()) for side in SIDES))
    return figures


def checks_of(figures: dict[str, Any]) -> list[Check]:
    """Two ratios of time and one of memory."""
    ratio = figures["peer"]["seconds"] / figures["ours"]["seconds"]
    cached = figures["peer"]["seconds"] / figures["ours, cached"]["seconds"]
    memory = figures["ours"]["peak_mb"] / figures["peer"]["peak_mb"]
    return [
        Check("Mining, embeddings included: over peer", ratio, ASKED),
        Check("Mining, embeddings cached: over peer without", cached, ASKED_CACHED),
        Check("Mining: peak memory over peer's", memory, ASKED_MEMORY, at_most=True),
    ]


def show(figures: dict[str, Any], title: str) -> None:
    """A row for each process."""
    shown = table(title, ["side", "seconds", "peer / this", "peak (MB)"])
    for name in (*SIDES, *(f"{side}, cached" for side in SIDES)):
        figure = figures[name]
        ratio = figures["peer"]["seconds"] / figure["seconds"]
        shown.add_row(name, f"{figure['seconds']:,.2f}", f"{ratio:,.2f}", f"{figure['peak_mb']:,.0f}")
    CONSOLE.print(shown)
    CONSOLE.print(f"{figures['agreement']:.2%} of the peer's negatives are ours too.")


def device_name(device: str) -> str:
    """What the GPU is called; a processor is named among what is written anyway."""
    return torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else device


def main(chosen: argparse.Namespace) -> None:
    """Measure, print, write."""
    if chosen.case:
        given = json.loads(chosen.case)
        print(json.dumps(case(**given | {key: Path(given[key]) for key in ("texts", "cache", "told")})))
        return
    with TemporaryDirectory() as place:
        count = prepare(chosen, Path(place))
        figures = measure(chosen, Path(place))
    show(figures, f"Mining {KEEP} negatives for {count:,} queries")
    checks = checks_of(figures)
    judge(checks)
    if chosen.device == "cpu" and not bf16_units():
        CONSOLE.print(
            "This processor has no bf16 units: both sides embed in fp32, which takes nearly all of their time."
        )
    work = {"queries": count, "documents": chosen.documents, "device": device_name(chosen.device)}
    write({**work, "peer_bf16": chosen.peer_bf16, "sides": figures}, checks, chosen.out, "mining")


def options() -> argparse.ArgumentParser:
    """The options of this script."""
    made = parser(__doc__)
    made.add_argument("--queries", type=int, default=20_000, help="queries, at most (20000)")
    made.add_argument("--documents", type=int, default=0, help="the first of the corpus; 0 for all (0)")
    made.add_argument("--device", default="cpu", help="of torch, for both sides: cpu or cuda (cpu)")
    made.add_argument("--peer-bf16", action="store_true", help="the peer's weights are bf16 as well")
    return made


if __name__ == "__main__":
    main(options().parse_args())
