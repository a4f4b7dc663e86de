"""What people asked and how often: from a click log, or from a file of queries."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.lines import text_lines
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.judging.sheets import place, rows_of
from shoptalk.sources.clicks import sessions
from shoptalk.sources.clicks.capability import PEOPLE
from shoptalk.sources.clicks.cleaning import RULES, Cleaning, judged_rows, without_rare
from shoptalk.sources.clicks.engine import Engine
from shoptalk.sources.clicks.log import open_log
from shoptalk.sources.clicks.privacy import Privacy
from shoptalk.sources.clicks.queries import distinct_queries
from shoptalk.sources.clicks.statistics import LogFiles


@dataclass(frozen=True)
class Asked:
    """The distinct queries that a sample is drawn from.

    Attributes:
        table: ``query`` and ``searches`` (float64 > 0), one row per normalised query, ordered by it.
        counted: whether ``searches`` is known; else it is 1 everywhere.
        notices: sentences the user should see.
    """

    table: pl.DataFrame
    counted: bool
    notices: list[str] = field(default_factory=list)

    def without(self, judged: set[str]) -> "Asked":
        """The queries whose normalised text is not in ``judged``.

        Raises:
            InputError: there is none.
        """
        known = pl.Series([normalise(query) in judged for query in self.table["query"]], dtype=pl.Boolean)
        left, gone = self.table.filter(~known), self.table.filter(known)
        if left.is_empty():
            raise InputError("Every query is judged in the domain already; set judged=true, or give other queries.")
        if gone.is_empty():
            return self
        share = gone["searches"].sum() / self.table["searches"].sum()
        told = f" with {share:.1%} of the searches" if self.counted else ""
        notice = f"{gone.height:,} queries{told} are judged in the domain already and are not drawn from."
        return replace(self, table=left, notices=[*self.notices, notice])


def from_log(files: LogFiles, corpus: Corpus, cleaning: Cleaning, privacy: Privacy | None, engine: Engine) -> Asked:
    """The queries of people's searches, in their most frequent spelling, personal data replaced.

    A search counts where a row of it that people were shown survives ``cleaning``.

    Raises:
        InputError: the log cannot be read (see ``clicks.log.open_log``), or no search survives.
    """
    try:
        counts, queries, rules = _counted(files, corpus, cleaning, privacy, engine)
    except engine.errors() as error:
        raise InputError(f"{files.name}: cannot be read as a click log ({engine.complaint(error)}).") from error
    if counts.is_empty():
        rule = max(rules, key=rules.__getitem__)
        raise InputError(f"{files.name}: no search of the click log survives; the rule {rule} took most rows.")
    table = counts.join(queries, on="query_id").sort("query").select(query="spelling", searches="searches")
    lost = ", ".join(f"{rules[rule]:,} because {RULES[rule]}" for rule in RULES if rules.get(rule))
    notices = [f"Of {sum(rules.values()):,} rows of the log these do not count: {lost}."] if lost else []
    return Asked(table, counted=True, notices=notices)


def _counted(files: LogFiles, corpus: Corpus, cleaning: Cleaning, privacy: Privacy | None, engine: Engine):
    """``query_id`` and ``searches``; the distinct queries; rows by rule."""
    connection = engine.connect()
    log = open_log(engine, connection, files.files, files.position_shift)
    if files.told is not None:
        log = replace(log, told=log.told & files.told)
    log = sessions.completed(log, set(), cleaning.session_gap_s)
    queries = distinct_queries(log.table, privacy)
    documents = pl.DataFrame({"doc_id": list(corpus.ids), "doc": range(len(corpus))}).cast({"doc": pl.Int32})
    rows = judged_rows(log, engine.number, queries, documents, cleaning)
    numbers = rows.select("query_id", "doc", "user", "search", "rule", weight=rows.weight.fill_null(1.0))
    rows = without_rare(
        engine.kept(connection, "rows", numbers), cleaning.min_query_users, bool(log.told & set(PEOPLE))
    )
    rules = dict(rows.group_by("rule").agg(n=rows.count()).to_polars().select("rule", "n").rows())
    kept = rows.filter(rows.rule == "kept")
    lists = kept.group_by("query_id", "search").agg(times=kept.weight.max())
    counts = lists.group_by("query_id").agg(searches=lists.times.sum().cast("float64")).to_polars()
    return counts, queries.distinct(), rules


def from_file(path: str | Path) -> Asked:
    """One query per line; or a CSV file with a column ``query`` and, where it is known, ``searches``.

    Raises:
        InputError: the file cannot be read or holds no query, or a number of searches is not above 0.
    """
    path = Path(path)
    rows, counted = _of_csv(path) if path.suffix.lower() == ".csv" else (_of_lines(path), False)
    spelling: dict[str, str] = {}
    searches: Counter[str] = Counter()
    read = 0
    for query, times in rows:
        read += 1
        known = normalise(query)
        spelling.setdefault(known, " ".join(query.split()))
        searches[known] += times
    if not searches:
        raise InputError(f"queries={path} holds no query; write one per line.")
    order = sorted(searches)
    table = pl.DataFrame(
        {"query": [spelling[q] for q in order], "searches": [float(searches[q]) for q in order]},
        schema={"query": pl.String, "searches": pl.Float64},
    )
    doubled = read - len(order)
    notices = [f"{path}: {doubled:,} queries stand there in another spelling already."] if doubled else []
    return Asked(table, counted, notices)


def _of_lines(path: Path) -> Iterator[tuple[str, float]]:
    return ((text, 1) for _, text in text_lines(path) if normalise(text))


def _of_csv(path: Path) -> tuple[Iterable[tuple[str, float]], bool]:
    names, rows = rows_of(path, ("query",), "queries")
    counted = "searches" in names
    found = [
        (row["query"], _times(path, number, row["searches"]) if counted else 1.0)
        for number, row in rows
        if normalise(row["query"])
    ]
    return found, counted


def _times(path: Path, row: int, text: str) -> float:
    try:
        times = float(text)
    except ValueError:
        times = math.nan
    if not 0 < times < math.inf:
        raise InputError(f"{place(path, row, 'searches')}: '{text[:40]}' is no number above 0; mend it.")
    return times
