"""What memory and time does it take to evaluate 1,000 queries over a million documents?

The collection is simulated, in the BEIR layout: words are made of syllables and drawn by Zipf's law, a title of four
and a text of 36; a query is four words of one document, which alone answers it. So figures of quality say nothing.
python -m shoptalk.evaluate then compares BM25, static vectors and both fused, from an empty cache and in a process of
its own, whose memory is the most it has held, files that it maps included.

    python benchmarks/efficiency/large.py [--documents 1000000] [--queries 1000] [--threads 2]

Asked: at most 4 GB.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "training"))

from common import CONSOLE, Check, judge, table, write

from shoptalk.configs import root

ASKED_GB, MODELS = 4.0, "models=[bm25,static,bm25+static]"
WORDS, TITLE, LENGTH, ASKED_WORDS = 100_000, 4, 40, 4
_AT_ONCE = 20_000
_SYLLABLES = np.array([a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "os")])


def collection(folder: Path, documents: int, queries: int, seed: int = 0) -> None:
    """Write corpus, queries, and the same judgments as dev and as test."""
    draw = np.random.default_rng(seed)
    words = np.array(["".join(draw.choice(_SYLLABLES, draw.integers(2, 5))) for _ in range(WORDS)])
    share = 1 / np.arange(1, WORDS + 1)
    share /= share.sum()
    answering = set(draw.choice(documents, queries, replace=False).tolist())
    asked: dict[int, str] = {}
    (folder / "qrels").mkdir(parents=True)
    with open(folder / "corpus.jsonl", "w") as out:
        for start in range(0, documents, _AT_ONCE):
            size = (min(_AT_ONCE, documents - start), LENGTH)
            for row, line in enumerate(words[draw.choice(WORDS, size, p=share)], start):
                title, text = " ".join(line[:TITLE]), " ".join(line[TITLE:])
                out.write(json.dumps({"_id": f"d{row}", "title": title, "text": text}) + "\n")
                if row in answering:
                    asked[row] = " ".join(draw.choice(line, ASKED_WORDS, replace=False))
    lines = [json.dumps({"_id": f"q{row}", "text": text}) + "\n" for row, text in asked.items()]
    (folder / "queries.jsonl").write_text("".join(lines))
    for split in ("dev", "test"):
        (folder / "qrels" / f"{split}.tsv").write_text("".join(f"q{row}\td{row}\t1\n" for row in asked))


def measure(folder: Path, threads: int | None) -> tuple[float, float]:
    """Seconds and gigabytes of evaluating the collection in ``folder``."""
    command = [
        sys.executable,
        "-m",
        "shoptalk.evaluate",
        "domain=beir",
        f"domain.path={folder}",
        MODELS,
        f"cache.root={folder / 'cache'}",
        f"out={folder / 'out'}",
        f"threads={'null' if threads is None else threads}",
    ]
    began = time.perf_counter()
    subprocess.run(command, check=True)
    # Linux tells kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e9


def main(chosen: argparse.Namespace) -> None:
    """Write the collection, evaluate it, print, write."""
    with TemporaryDirectory(dir=chosen.work) as place:
        folder = Path(place) / "large"
        CONSOLE.print(f"[dim]writing {chosen.documents:,} documents[/]")
        collection(folder, chosen.documents, chosen.queries, chosen.seed)
        seconds, held = measure(folder, chosen.threads)
    shown = table("Evaluating", ["documents", "queries", "seconds", "peak (GB)"])
    shown.add_row(f"{chosen.documents:,}", f"{chosen.queries:,}", f"{seconds:,.0f}", f"{held:,.2f}")
    CONSOLE.print(shown)
    checks = [Check("Evaluating: peak memory (GB)", held, ASKED_GB, at_most=True)]
    judge(checks)
    figures = {"documents": chosen.documents, "queries": chosen.queries, "seconds": seconds, "peak_gb": held}
    write(figures, checks, chosen.out, "large")


def options() -> argparse.ArgumentParser:
    """The options of this script."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--documents", type=int, default=1_000_000, help="of the collection (1000000)")
    made.add_argument("--queries", type=int, default=1000, help="of dev and of test, the same (1000)")
    made.add_argument("--threads", type=int, default=None, help="of torch, faiss and BM25; all cores unless given")
    made.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    made.add_argument("--work", type=Path, default=None, help="where 3 GB are written for a while")
    out = root() / "outputs" / "benchmarks" / "efficiency"
    made.add_argument("--out", type=Path, default=out, help="folder of the figures (outputs/benchmarks/efficiency)")
    return made


if __name__ == "__main__":
    main(options().parse_args())
