"""How much faster is a static encoder than the transformer it is distilled from?

The same sample of the embedded domain's documents, from texts to vectors in one process: `model=static`, a table of
token vectors distilled from the default model before anything is timed, against `model=minilm`, each as it embeds by
default.

    python benchmarks/training/static.py [--documents 2048] [--rounds 3] [--threads N]

Asked: at least 50 times the documents per second. What it costs in quality is not measured here.
"""

import argparse

from common import CONSOLE, Check, add_work, cell, judge, parser, rounds, spread, table, write
from data import config, load, sample
from encoding import seconds
from hydra.utils import instantiate

from shoptalk.system import set_threads

ASKED = 50.0
MODELS = ("minilm", "static")


def measure(texts: list[str], count: int) -> dict[str, dict]:
    """Documents per second of each model."""
    encoders = {name: instantiate(config(f"model={name}").model) for name in MODELS}
    for encoder in encoders.values():
        encoder.embed(texts[:64], "document")
    sides = {name: lambda e=encoder: seconds(lambda: e.embed(texts, "document")) for name, encoder in encoders.items()}
    return {name: spread([len(texts) / s for s in took]) for name, took in rounds(sides, count).items()}


def main(chosen: argparse.Namespace) -> None:
    """Embed, print, write."""
    set_threads(chosen.threads)
    texts = sample(load(chosen.cache).corpus, chosen.documents, chosen.seed)
    figures = measure(texts, chosen.rounds)
    shown = table(f"Embedding {len(texts):,} documents", ["model", "documents/s (rounds)"])
    for name, speed in figures.items():
        shown.add_row(name, cell(speed))
    CONSOLE.print(shown)
    ratio = figures["static"]["median"] / figures["minilm"]["median"]
    checks = [Check("Static over transformer, documents/s", ratio, ASKED)]
    judge(checks)
    write({"documents": len(texts), "documents_per_s": figures, "ratio": ratio}, checks, chosen.out, "static")


if __name__ == "__main__":
    options = parser(__doc__)
    add_work(options)
    options.add_argument("--documents", type=int, default=2048, help="documents embedded; 0 for all (2048)")
    main(options.parse_args())
