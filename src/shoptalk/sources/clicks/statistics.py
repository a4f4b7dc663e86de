"""The sufficient statistics of a log, all that estimators need of it, and their place in the cache."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from shoptalk.cache import Cache, digest, digest_file
from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.sources.clicks.chains import links
from shoptalk.sources.clicks.log import Engine, first_line, open_log
from shoptalk.sources.clicks.sessions import Cleaning, distinct_queries, judged_rows, votes

_VERSION = 2


@dataclass(frozen=True)
class Statistics:
    """What a log says, without the people in it. All tables are ordered by their leading columns.

    Attributes:
        queries: ``query_id, query, spelling``: normalised text and its most frequent raw spelling.
        by_position: ``query_id, doc_id, position, impressions, clicks`` over the votes.
        support: ``query_id, doc_id, users, clickers``: different users who were shown it, who clicked it.
        links: ``query_id, other_id, users``: see ``chains.links``.
        removed: rows of the log by the rule that took them out, ``rows`` in all, ``votes`` left, and
            ``brief_clicks`` that count as looks.
    """

    queries: pl.DataFrame
    by_position: pl.DataFrame
    support: pl.DataFrame
    links: pl.DataFrame
    removed: dict[str, int]


_TABLES = ("queries", "by_position", "support", "links")


def statistics(
    path: Path, corpus: Corpus, cleaning: Cleaning, engine: Engine, cache: Cache, max_gap_s: float | None = None
) -> Statistics:
    """The statistics of the log at ``path``, read once for its content, the document ids, the cleaning and
    ``max_gap_s``, the longest pause within a chain of queries.

    Raises:
        InputError: the log cannot be used (see `log.open_log`), too many of its documents are not in the
            corpus, or no row survives the rules.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such click log; give the path of a Parquet, CSV or JSONL file.")
    key = digest(_VERSION, digest_file(path), path.suffixes[-2:], list(corpus.ids), cleaning.description(), max_gap_s)
    folder = cache.folder("clicks", key, lambda work: _write(work, path, corpus, cleaning, max_gap_s, engine))
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
    return Statistics(**tables, removed=json.loads((folder / "removed.json").read_text()))


def _write(work: Path, path: Path, corpus: Corpus, cleaning: Cleaning, max_gap_s: float | None, engine: Engine) -> None:
    import duckdb

    try:
        gathered = _gather(path, corpus, cleaning, max_gap_s, engine)
    except duckdb.OutOfMemoryException as error:
        raise InputError(f"{path}: engine.memory={engine.memory} is too little for this log; raise it.") from error
    except duckdb.Error as error:
        raise InputError(f"{path}: cannot be read as a click log ({first_line(error)}).") from error
    for name in _TABLES:
        getattr(gathered, name).write_parquet(work / f"{name}.parquet")
    (work / "removed.json").write_text(json.dumps(gathered.removed))


def _gather(path: Path, corpus: Corpus, cleaning: Cleaning, max_gap_s: float | None, engine: Engine) -> Statistics:
    connection = engine.connect()
    log = open_log(connection, path)
    doc_ids = pl.Series("doc_id", list(corpus.ids), dtype=pl.String)
    queries = distinct_queries(log)
    rows = judged_rows(log, queries, doc_ids, cleaning)
    by_rule = (
        rows.group_by("rule").agg(n=rows.count(), brief=rows.brief.cast("int64").sum()).order_by("rule").to_polars()
    )
    removed = dict(by_rule.select("rule", "n").rows())
    _refuse_strangers(path, removed, cleaning)
    table = connection.create_table("votes", votes(rows), temp=True)
    counts = _counts(path, removed, int(table.count().to_pyarrow().as_py()))
    counts["brief_clicks"] = int(by_rule.filter(rule="kept")["brief"].sum())
    by_position = table.group_by("query_id", "doc", "position").agg(
        impressions=table.count(), clicks=table.clicked.cast("int64").sum()
    )
    support = table.group_by("query_id", "doc").agg(
        users=table.user.nunique(), clickers=table.user.nunique(where=table.clicked)
    )
    different = queries.select("query_id", "query", "spelling").unique("query_id").sort("query_id")
    named = [_named(t.to_polars(), doc_ids) for t in (by_position, support)]
    return Statistics(different, *named, links=links(rows, queries, max_gap_s), removed=counts)


def _named(table: pl.DataFrame, doc_ids: pl.Series) -> pl.DataFrame:
    """The corpus row ``doc`` turned into ``doc_id``; a total order."""
    order = [c for c in ("query_id", "doc", "position") if c in table.columns]
    table = table.sort(order)
    return table.with_columns(doc=doc_ids.gather(table["doc"])).rename({"doc": "doc_id"})


def _refuse_strangers(path: Path, removed: dict[str, int], cleaning: Cleaning) -> None:
    strangers, total = removed.get("unknown_document", 0), sum(removed.values())
    if strangers > cleaning.max_unknown_documents * total:
        raise InputError(
            f"{path}: {strangers:,} of {total:,} rows name documents that are not in the corpus, more than "
            f"{cleaning.max_unknown_documents:.0%}; check that log and corpus use the same document ids."
        )


def _counts(path: Path, removed: dict[str, int], kept: int) -> dict[str, int]:
    total, survivors = sum(removed.values()), removed.pop("kept", 0)
    removed["repeated_vote"] = survivors - kept
    if not kept:
        rule = max(removed, key=removed.__getitem__)
        raise InputError(
            f"{path}: no row of the click log survives; the rule {rule} took {removed[rule]:,} of {total:,} rows."
        )
    return {"rows": total, "votes": kept, **removed}
