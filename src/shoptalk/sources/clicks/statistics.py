"""The sufficient statistics of a log, all that estimators need of it, and their place in the cache."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from shoptalk.cache import Cache, digest, digest_file
from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.sources.clicks import counting, sessions
from shoptalk.sources.clicks.capability import PEOPLE, Capability
from shoptalk.sources.clicks.chains import links
from shoptalk.sources.clicks.cleaning import RULES, voted, without_rare
from shoptalk.sources.clicks.counting import Reading
from shoptalk.sources.clicks.engine import Engine
from shoptalk.sources.clicks.log import open_log
from shoptalk.sources.clicks.observed import Features, Observed
from shoptalk.sources.clicks.queries import distinct_queries

VERSION = 3


@dataclass(frozen=True)
class Statistics:
    """What a log says, without the people in it. All tables are ordered by their leading columns.

    Attributes:
        queries: ``query_id, query, spelling``: normalised text and its most frequent raw spelling.
        by_position, lists: see ``observed.Observed``.
        support: ``query_id, doc_id, users, clickers``: different users who were shown it, who clicked it.
        links: ``query_id, other_id, users``: see ``chains.links``.
        removed: rows of the log by the rule that took them out, ``rows`` in all, ``votes`` left.
        told: other counts: clicks a signal doubts, queries with personal data replaced, rankers.
        capability: what the log tells.
        removed_rows: a Parquet file of every row left out and its rule, where the reading asked for it.
    """

    queries: pl.DataFrame
    by_position: pl.DataFrame
    support: pl.DataFrame
    links: pl.DataFrame
    lists: pl.DataFrame | None
    removed: dict[str, int]
    told: dict[str, int]
    capability: Capability
    removed_rows: Path | None

    def observed(self, features: Features | None = None) -> Observed:
        """What estimators may see."""
        return Observed(self.by_position, self.lists, features)


@dataclass(frozen=True)
class LogFiles:
    """A log in the one schema, as an adapter gives it.

    Attributes:
        name: what the user calls it. files: all of one format. position_shift: added to positions.
        told: the columns that hold the log's own values; ``None``: all that are filled.
        counts: what the adapter read, dropped and made.
    """

    name: Path
    files: Sequence[Path]
    position_shift: int = 0
    told: frozenset[str] | None = None
    counts: tuple[tuple[str, int], ...] = ()


def statistics(log: LogFiles, corpus: Corpus, reading: Reading, engine: Engine, cache: Cache) -> Statistics:
    """The statistics of ``log``, read once for its content, the corpus and the reading.

    Raises:
        InputError: the log cannot be used (see `log.open_log`), too many of its documents are not in the
            corpus, or no row survives the rules.
    """
    for path in log.files:
        if not path.is_file():
            raise InputError(f"{path}: there is no such click log; give the path of a Parquet, CSV or JSONL file.")
    content = [digest_file(path) for path in log.files]
    told = None if log.told is None else sorted(log.told)
    key = digest(VERSION, content, log.position_shift, told, corpus.digest, _plain(reading))
    folder = cache.folder("clicks", key, lambda work: _write(work, log, corpus, reading, engine))
    tables = {f.stem: pl.read_parquet(f) for f in folder.glob("*.parquet") if f.stem != "removed"}
    facts = json.loads((folder / "facts.json").read_text())
    facts["capability"]["told"] = frozenset(facts["capability"]["told"])
    removed_rows = folder / "removed.parquet" if reading.keep_removed else None
    capability = Capability(**facts.pop("capability"))
    return Statistics(**({"lists": None} | tables), **facts, capability=capability, removed_rows=removed_rows)


def _plain(reading: Reading) -> dict[str, Any]:
    """All that determines how the log is read."""
    signals = {name: [type(s).__name__, asdict(s)] for name, s in reading.signals.each.items() if s.weight != 1}
    return asdict(reading) | {"signals": signals}


def _write(work: Path, log: LogFiles, corpus: Corpus, reading: Reading, engine: Engine) -> None:
    try:
        tables, facts = _gather(work, log, corpus, reading, engine)
    except engine.errors() as error:
        raise InputError(f"{log.name}: cannot be read as a click log ({engine.complaint(error)}).") from error
    for name, table in tables.items():
        table.write_parquet(work / f"{name}.parquet")
    (work / "facts.json").write_text(json.dumps(facts))


def _gather(work: Path, files: LogFiles, corpus: Corpus, reading: Reading, engine: Engine):
    connection = engine.connect()
    log = open_log(engine, connection, files.files, files.position_shift)
    if files.told is not None:
        log = replace(log, told=log.told & files.told)
    log = sessions.completed(log, reading.wanted(), reading.cleaning.session_gap_s)
    people = bool(log.told & set(PEOPLE))
    queries = distinct_queries(log.table, reading.privacy)
    documents = _documents(corpus)
    rows = engine.kept(connection, "rows", counting.counted_rows(log, engine.number, queries, documents, reading))
    rows = without_rare(rows, reading.cleaning.min_query_users, people)
    removed = _count(rows)
    _refuse_strangers(files.name, removed, reading.cleaning.max_unknown_documents)
    votes = engine.kept(connection, "votes", voted(rows, reading.cleaning, "ts_ms" in log.told))
    removed |= _count(votes)
    counts = _counts(files.name, log.rows, removed)
    if reading.keep_removed:
        engine.write(connection, _removed(rows, votes), work / "removed.parquet")
    named = {
        "by_position": counting.by_position(votes, reading.context is not None),
        "support": counting.support(votes, people),
        **({"lists": counting.lists(rows)} if reading.lists else {}),
    }
    tables = {name: _named(table, documents["doc_id"]) for name, table in named.items()}
    tables |= {"queries": queries.distinct(), "links": links(rows, reading.max_gap_s)}
    told = _doubted(votes) | {f"redacted_{kind}": n for kind, n in queries.redacted.items()}
    told |= {"rankers": int(log.table.ranker_id.nunique().to_pyarrow().as_py())}
    unclicked = bool((~log.table.clicked).any().to_pyarrow().as_py())
    capability = {"told": sorted(log.told), "unclicked": unclicked, "varied": _varied(tables["by_position"])}
    return tables, {"removed": counts, "told": told, "capability": capability}


def _documents(corpus: Corpus) -> pl.DataFrame:
    """``doc_id, doc`` (int32, row of the corpus), ``length_rank`` in [0, 1): share of shorter documents."""
    words = pl.Series([passage.count(" ") + 1 for passage in corpus.passages], dtype=pl.Float64)
    rank = (words.rank("average") - 0.5) / max(1, len(words))
    return pl.DataFrame({"doc_id": pl.Series(list(corpus.ids), dtype=pl.String), "length_rank": rank}).with_columns(
        doc=pl.int_range(pl.len(), dtype=pl.Int32)
    )


def _count(rows: Any) -> dict[str, int]:
    return dict(rows.group_by("rule").agg(n=rows.count()).to_polars().select("rule", "n").rows())


def _doubted(votes: Any) -> dict[str, int]:
    """Clicks among the votes that each signal doubts."""
    import ibis

    names = [c for c in votes.columns if c.startswith("doubt_")]
    if not names:
        return {}
    counted = votes.filter(votes.rule == "vote")
    sums = counted.aggregate(**{c: ibis.ifelse(counted[c], 1, 0).sum() for c in names}).to_pyarrow().to_pylist()[0]
    return {c.replace("doubt_", "doubted_"): int(n or 0) for c, n in sums.items()}


def _varied(by_position: pl.DataFrame) -> int:
    """Pairs that were shown at two ranks or more."""
    ranks = by_position.group_by("query_id", "doc_id").agg(pl.col("position").n_unique())
    return ranks.filter(pl.col("position") > 1).height


def _named(table: pl.DataFrame, doc_ids: pl.Series) -> pl.DataFrame:
    """The corpus row ``doc`` turned into ``doc_id``, in place."""
    return table.with_columns(doc=doc_ids.gather(table["doc"])).rename({"doc": "doc_id"})


def _removed(rows: Any, votes: Any) -> Any:
    """Every row left out: ``impression_id, query_raw, doc_id, position, clicked, rule``."""
    columns = ["impression_id", "query_raw", "doc_id", "position", "clicked", "rule"]
    return rows.filter(rows.rule != "kept").select(*columns).union(votes.filter(votes.rule != "vote").select(*columns))


def _refuse_strangers(path: Path, removed: dict[str, int], limit: float) -> None:
    strangers, total = removed.get("unknown_document", 0), sum(removed.values())
    if strangers > limit * total:
        raise InputError(
            f"{path}: {strangers:,} of {total:,} rows name documents that are not in the corpus, more than "
            f"{limit:.0%}; check that log and corpus use the same document ids."
        )


def _counts(path: Path, total: int, found: dict[str, int]) -> dict[str, int]:
    votes = found.get("vote", 0)
    removed = {rule: found[rule] for rule in RULES if found.get(rule)}
    if not votes:
        rule = max(removed, key=removed.__getitem__, default="none")
        taken = f"the rule {rule} took {removed.get(rule, 0):,} of {total:,} rows"
        raise InputError(f"{path}: no row of the click log survives; {taken}.")
    return {"rows": total, "votes": votes, **removed}
