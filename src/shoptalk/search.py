"""A page to search with the base and the adapted model of a finished run, side by side.

python -m shoptalk.search run=outputs/RUN
"""

import sys

from shoptalk.launch import check, in_sentences

if __name__ == "__main__":
    check("search", sys.argv[1:])  # before the imports that take seconds

import hydra
from omegaconf import DictConfig
from rich.console import Console

from shoptalk.cache import Cache
from shoptalk.configs import root
from shoptalk.errors import InputError
from shoptalk.reporting.progress import Stages
from shoptalk.retrieval.bm25 import BM25
from shoptalk.searching.finished import Finished, dense
from shoptalk.searching.site import Searching
from shoptalk.serving.server import serve
from shoptalk.system import set_threads


@hydra.main(version_base="1.3", config_path=str(root() / "conf"), config_name="search")
def main(cfg: DictConfig) -> None:
    """Serve the page; what the user did wrong is one sentence and exit code 1."""
    with in_sentences("search", cfg, "Stopped before the page was ready; run the same command again."):
        found = searching(cfg, Console(quiet=not cfg.progress))
        serve(found.site(), cfg.host, cfg.port)
        print("Stopped.")


def searching(cfg: DictConfig, console: Console) -> Searching:
    """The searches of a run, ready to be asked.

    Raises:
        InputError: it is no finished run, or its domain or a model cannot be read.
    """
    if not cfg.run:
        raise InputError("run is not set; give the folder of a finished run, as in run=outputs/RUN.")
    run, threads = Finished(cfg.run), set_threads(cfg.threads)
    cache, bar = Cache(cfg.cache.root, cfg.cache.max_bytes), Stages((), console).bar
    domain = run.domain(cache)
    corpus = domain.corpus
    searches = {
        "base": dense(run.base(), corpus, cache, threads, bar),
        "adapted": dense(run.adapted(), corpus, cache, threads, bar),
        "bm25": BM25.cached(cache, corpus.passages, corpus.digest, threads=threads),
    }
    title = f"Search {domain.name}"
    return Searching(searches, corpus, cfg.depth, domain.splits.get("dev"), run.changes(), title)


if __name__ == "__main__":
    main()
