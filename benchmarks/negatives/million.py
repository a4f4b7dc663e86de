"""Which way of searching a million vectors is the fastest, what does it miss, and does index=auto take it?

The corpus is the embedded phenotypes' vectors, resampled with noise (resampled.py); its local dimension is estimated
and told. The queries are the domain's synonyms, embedded. Each way of searching is a process of its own with its
default options, which builds, tunes, searches, and tells the most memory it has held (VmHWM), the mapped pages of the
vectors included. Recall is that of all queries against exact search.

    python benchmarks/negatives/million.py [--documents 1000000] [--queries 10000] [--top 100] [--only exact ivf …]

Asked: every peak under 4 GB; index=auto has a recall of .95 and takes at most 1.05 times as long as exact search,
choosing included. HNSW is built on one thread, which takes long.
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import resampled
from hydra.utils import instantiate
from shared import CONSOLE, Check, config, judge, load, parser, peak, started, table, write

from shoptalk.cache import Cache
from shoptalk.embedding import CachedEmbed
from shoptalk.errors import InputError
from shoptalk.retrieval.dense import check, exact
from shoptalk.retrieval.index.built import Built, content_of
from shoptalk.retrieval.index.tuning import recalls, sample, tune
from shoptalk.retrieval.ranked import Ranked
from shoptalk.system import set_threads

CASES = ("exact", "ivf", "pq", "hnsw", "auto")
MOST_GB, MOST_TIME, RECALL = 4.0, 1.05, 0.95


def case(name: str, folder: Path, top: int, threads: int | None) -> dict[str, Any]:
    """One way of searching, in this process."""
    set_threads(threads)
    option = instantiate(config(f"index={name}").index)
    documents, queries = np.load(folder / "documents.npy", mmap_mode="r"), np.load(folder / "queries.npy")
    began = time.perf_counter()
    with TemporaryDirectory(dir=folder) as place:
        if name in ("exact", "auto"):
            searcher = option.over(documents, Cache(place))
            found, told = searcher(queries, top), {"told": [*getattr(searcher, "notices", [])]}
        else:
            found, told = by_hand(option, documents, queries, top, Cache(place))
    told["total_s"] = time.perf_counter() - began
    np.save(folder / f"{name}.npy", found.rows)
    return {**told, "peak_gb": peak() / 2**30}


def by_hand(option: Any, documents: np.ndarray, queries: np.ndarray, top: int, cache: Cache) -> tuple[Ranked, dict]:
    """What ``index=`` does, its parts timed."""
    check(queries, documents)
    built = Built(option, documents, content_of(documents), cache)
    began = time.perf_counter()
    for _ in built.build():
        pass
    building = time.perf_counter()
    asked = sample(queries)
    tuned = tune(built, asked, exact(asked, documents, top))
    tuning = time.perf_counter()
    found = built.search(queries, top, tuned.effort)
    seconds = {"build_s": building - began, "tune_s": tuning - building, "search_s": time.perf_counter() - tuning}
    return found, {**seconds, "told": [f"index={option.name} finds {tuned.told(option, top)}."]}


def prepare(chosen: argparse.Namespace, folder: Path) -> float:
    """Write documents and queries; the local dimension of the documents."""
    threads, domain = set_threads(chosen.threads), load(chosen.cache)
    embed = CachedEmbed(instantiate(config().model), Cache(chosen.cache), threads)
    texts = sorted(set(domain.intents.texts))
    if chosen.queries > len(texts):
        raise InputError(f"--queries {chosen.queries} is more than the domain's {len(texts)}.")
    order = np.random.default_rng(chosen.seed).permutation(len(texts))[: chosen.queries]
    np.save(folder / "queries.npy", embed([texts[row] for row in order], "query"))
    base, path = np.asarray(embed(domain.corpus.passages, "document")), folder / "documents.npy"
    resampled.write(base, chosen.documents, chosen.noise, chosen.seed, path)
    return resampled.local_dimension(np.load(path, mmap_mode="r"), min(100, chosen.documents - 1), chosen.seed)


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, dict[str, Any]]:
    """Every case, exact search first, which the others' recall is measured against."""
    figures = {}
    for name in ("exact", *(n for n in chosen.only if n != "exact")):
        CONSOLE.print(f"[dim]{name}[/]")
        given = {"name": name, "folder": str(folder), "top": chosen.top, "threads": chosen.threads}
        figures[name] = started(__file__, **given)
        truth, found = (np.load(folder / f"{n}.npy") for n in ("exact", name))
        figures[name]["recall"] = float(recalls(_ranked(found), _ranked(truth)).mean())
    return figures


def _ranked(rows: np.ndarray) -> Ranked:
    return Ranked(rows, np.zeros(rows.shape, np.float32))


def show(figures: dict[str, dict[str, Any]], title: str, top: int) -> None:
    """A row for each case, and what each told."""
    columns = ["index", "build (s)", "tune (s)", "search (s)", "total (s)", f"recall@{top}", "peak (GB)"]
    shown = table(title, columns)
    for name, figure in figures.items():
        parts = [f"{figure[key]:,.1f}" if key in figure else "-" for key in ("build_s", "tune_s", "search_s")]
        shown.add_row(name, *parts, f"{figure['total_s']:,.1f}", f"{figure['recall']:.4f}", f"{figure['peak_gb']:.2f}")
    CONSOLE.print(shown)
    for figure in figures.values():
        for sentence in figure["told"]:
            CONSOLE.print(sentence)


def checks_of(figures: dict[str, dict[str, Any]]) -> list[Check]:
    """Peaks, and what the chooser took."""
    checks = [Check(f"{name}: peak (GB)", f["peak_gb"], MOST_GB, at_most=True) for name, f in figures.items()]
    if auto := figures.get("auto"):
        ratio = auto["total_s"] / figures["exact"]["total_s"]
        checks += [
            Check("auto: recall", auto["recall"], RECALL),
            Check("auto: time over exact's", ratio, MOST_TIME, True),
        ]
    return checks


def main(chosen: argparse.Namespace) -> None:
    """Make the vectors, measure every case, print, write."""
    if chosen.case:
        given = json.loads(chosen.case)
        print(json.dumps(case(**given | {"folder": Path(given["folder"])})))
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=chosen.out) as place:
        dimension = prepare(chosen, Path(place))
        title = f"{chosen.queries:,} queries over {chosen.documents:,} documents, local dimension {dimension:.1f}"
        CONSOLE.print(title)
        figures = measure(chosen, Path(place))
    show(figures, title, chosen.top)
    checks = checks_of(figures)
    judge(checks)
    asked = {name: getattr(chosen, name) for name in ("documents", "queries", "top", "noise", "seed")}
    write({**asked, "local_dimension": dimension, "cases": figures}, checks, chosen.out, "million")


def options() -> argparse.ArgumentParser:
    """The options of this script."""
    made = parser(__doc__)
    made.add_argument("--documents", type=int, default=1_000_000, help="vectors of the corpus (1000000)")
    made.add_argument("--queries", type=int, default=10_000, help="queries (10000)")
    made.add_argument("--top", type=int, default=100, help="documents found per query (100)")
    made.add_argument("--noise", type=float, default=3.0, help="of the resampling, in local standard deviations (3)")
    made.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="some ways (all); exact always is")
    return made


if __name__ == "__main__":
    main(options().parse_args())
