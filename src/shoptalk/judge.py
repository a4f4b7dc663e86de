"""A set of judged queries for a domain: drawn by traffic and form, pooled, graded blind by people.

python -m shoptalk.judge domain=phenotypes run=outputs/RUN out=judging/first
"""

import sys

from shoptalk.launch import check, in_sentences

if __name__ == "__main__":
    check("judge", sys.argv[1:])  # before the imports that take seconds

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from shoptalk.arms.base import Search
from shoptalk.cache import Cache
from shoptalk.configs import root
from shoptalk.domain.judgments import Domain
from shoptalk.errors import InputError, whole_number
from shoptalk.judging import exchange, telling
from shoptalk.judging.asked import Asked, from_file, from_log
from shoptalk.judging.folder import Folder, check_name
from shoptalk.judging.journal import Journal
from shoptalk.judging.leaving import check_share, leave
from shoptalk.judging.pooling import pooled, shuffled
from shoptalk.judging.site import Judging
from shoptalk.judging.task import Task, share_of
from shoptalk.reporting.progress import Stages
from shoptalk.retrieval.bm25 import BM25
from shoptalk.searching.finished import Finished, dense, device
from shoptalk.serving.server import serve
from shoptalk.simulated import simulated_log
from shoptalk.sources.clicks.opening import opened
from shoptalk.sources.clicks.statistics import LogFiles
from shoptalk.system import set_threads


@hydra.main(version_base="1.3", config_path=str(root() / "conf"), config_name="judge")
def main(cfg: DictConfig) -> None:
    """Judge; what the user did wrong is one sentence and exit code 1."""
    with in_sentences("judge", cfg, "Stopped; what was graded is kept, so run the same command again."):
        judge_queries(cfg, Console(quiet=not cfg.progress))


def judge_queries(cfg: DictConfig, console: Console) -> None:
    """Make or open the set, and grade it: by the page until Ctrl-C, or by way of a CSV file."""
    if not cfg.out:
        raise InputError("out is not set; give the folder for the queries to judge, as in out=judging/first.")
    if cfg.export and cfg["import"]:
        raise InputError("export and import are both set; unset one of them.")
    check_name(cfg.judge)
    dev_share, overlap, depth = check_share(cfg.dev_share), share_of(cfg.overlap), whole_number("depth", cfg.depth)
    work = _Work(cfg, console)
    folder = work.folder()
    work.pool(folder, depth)
    first = cfg.judge == folder.facts["judge"]
    task = Task.of(folder.sample, folder.pool, 1.0 if first else overlap)
    journal = Journal(folder.journal(cfg.judge))
    try:
        telling.notes(console, journal.notices)
        _graded(cfg, work.domain, task, folder, journal, console)
    finally:
        journal.close()
    telling.left(console, folder, leave(folder, dev_share), cfg.seed)


def _graded(cfg: DictConfig, domain: Domain, task: Task, folder: Folder, journal: Journal, console: Console) -> None:
    """One sitting of the judge, whichever way."""
    if cfg.export:
        rows = exchange.written(task, journal, domain.corpus, Path(cfg.export))
        print(f"{cfg.export}: {rows:,} rows; fill the column grade and give the file as import={cfg.export}.")
    elif cfg["import"]:
        counts = exchange.read(folder.pool, journal, Path(cfg["import"]))
        told = ", ".join(f"{counts[kind]:,} {kind}" for kind in ("new", "changed", "same", "empty"))
        print(f"{cfg['import']}: grades: {told}.")
    else:
        serve(Judging(task, journal, domain.corpus, f"Judge {domain.name}").site(), cfg.host, cfg.port)
        done = len(task.states(journal)["graded"])
        print(f"\nStopped with {done:,} of {len(task.texts):,} queries graded; the same command goes on from there.")


class _Work:
    """What a set is made from."""

    def __init__(self, cfg: DictConfig, console: Console):
        self.cfg, self.console, self.threads = cfg, console, set_threads(cfg.threads)
        self.cache = Cache(cfg.cache.root, cfg.cache.max_bytes)
        self.bar = Stages((), console).bar
        self.run = Finished(cfg.run) if cfg.run else None
        self.domain: Domain = instantiate(cfg.domain).load(self.cache)

    def folder(self) -> Folder:
        """The set that lies in ``out``, or a new one."""
        cfg, path = self.cfg, Path(self.cfg.out)
        facts = {"schema": 1, "domain": self.domain.name, "corpus": self.domain.corpus.digest, "judge": cfg.judge}
        facts |= {name: _plain(cfg[name]) for name in ("seed", "sampling", "queries", "judged")}
        log = cfg.log or (None if cfg.queries else self.domain.log)
        facts["log"] = str(Path(log).resolve()) if log else None
        found = Folder.opened(path, facts)
        if found is None:
            asked = self._asked()
            sample = instantiate(cfg.sampling).draw(asked, instantiate(cfg.forms), cfg.seed)
            telling.drawn(self.console, asked, sample)
            found = Folder.made(path, facts, sample, self.domain.corpus)
        return found

    def pool(self, folder: Folder, depth: int) -> None:
        """Add what arms find that were not pooled yet."""
        arms = {f"{name} to {depth}": (stamp, search) for name, (stamp, search) in self._arms().items()}
        new = {name: arm for name, arm in arms.items() if folder.facts["arms"].get(name) != arm[0]}
        if not new:
            return
        ids, texts = folder.sample["query_id"].to_list(), folder.sample["query"].to_list()
        found = pooled(texts, [search()(texts, depth) for _, search in new.values()], self.domain.corpus, self.cfg.seed)
        before = folder.pool
        pool = {
            query_id: shuffled(text, [*before.get(query_id, []), *documents], self.cfg.seed)
            for query_id, text, documents in zip(ids, texts, found, strict=True)
        }
        folder.with_pool(pool, {**folder.facts["arms"], **{name: stamp for name, (stamp, _) in new.items()}})
        telling.pool(self.console, before, pool)

    def _arms(self) -> Mapping[str, tuple[Any, Callable[[], Search]]]:
        """Name to what tells whether it changed, and how it is opened."""
        corpus, cache, threads = self.domain.corpus, self.cache, self.threads

        def words() -> Search:
            return BM25.cached(cache, corpus.passages, corpus.digest, threads=threads)

        def base() -> Search:
            return dense(instantiate(self.cfg.model).to(device()), corpus, cache, threads, self.bar)

        arms = {"bm25": ("", words), f"base {self.cfg.model.name}": (_plain(self.cfg.model), base)}
        if self.run:
            run = self.run
            arms[f"run {run.stamp[0]}"] = run.stamp[1], lambda: dense(run.adapted(), corpus, cache, threads, self.bar)
        return arms

    def _asked(self) -> Asked:
        """The queries to draw from."""
        cfg, domain = self.cfg, self.domain
        if cfg.queries:
            if cfg.log:
                raise InputError("queries and log are both set; unset one of them.")
            asked = from_file(cfg.queries)
        else:
            files, notices = self._log()
            asked = from_log(files, domain.corpus, *map(instantiate, (cfg.cleaning, cfg.privacy, cfg.engine)))
            asked.notices.extend(notices)
        known = {text for split in domain.splits.values() for text in split.texts}
        return asked if cfg.judged else asked.without(known)

    def _log(self) -> tuple[LogFiles, list[str]]:
        cfg, domain = self.cfg, self.domain
        path = cfg.log or domain.log
        if path is not None:
            found = opened(path, instantiate(cfg.log_format), cfg.position_base, self.cache)
            return found.log, list(found.notices)
        if domain.intents is None:
            raise InputError(
                f"log and queries are not set and the domain {domain.name} has no click log; give the path of one."
            )
        log = simulated_log(domain, self.cache, self.threads, self.bar).log()
        return LogFiles(log, [log]), ["The click log is simulated; its searchers are not real."]


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


if __name__ == "__main__":
    main()
