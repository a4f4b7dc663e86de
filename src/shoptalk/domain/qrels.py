"""Queries and judgments in files, as BEIR has them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from shoptalk.domain.lines import check_columns, identifier, json_objects, string, text_lines
from shoptalk.errors import InputError, at

HIGHEST_GRADE = 1000
"""Grades above are a mistake: trec_eval keeps a counter per grade."""


TAKEN = {"split", "arm", "query_id", "query"}
"""Columns of the per-query table that no field of ``metadata`` may pass for, nor one with an @, as measures have."""


def read_queries(path: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Query id to text and columns to slice by, in file order: the string fields of ``metadata``, and ``query_kind``,
    which may also stand beside the text.

    Raises:
        InputError: the file cannot be read, or a query is malformed, empty, or stands twice.
    """
    queries: dict[str, tuple[str, dict[str, str]]] = {}
    for line, row in json_objects(path):
        place = at(path, line)
        check_columns(row, ("_id",), place, "give every query an id")
        check_columns(row, ("text",), place, "give every query a text")
        query_id = identifier(row["_id"], place, "_id")
        text = string(row.get("text"), place, "text")
        if not text:
            raise InputError(f"{place}: the query {query_id!r} is empty; give it a text or remove it.")
        if query_id in queries:
            raise InputError(f"{place}: the query id {query_id!r} stands there for the second time; make ids unique.")
        queries[query_id] = text, _columns(row, place)
    if not queries:
        raise InputError(f"{path}: holds no query; give at least one.")
    return queries


def _columns(row: Mapping[str, object], place: str) -> dict[str, str]:
    metadata = row.get("metadata")
    fields = dict(metadata) if isinstance(metadata, dict) else {}
    fields["query_kind"] = string(row.get("query_kind", fields.get("query_kind")), place, "query_kind")
    named = {string(name, place, "metadata"): value for name, value in fields.items() if isinstance(value, str)}
    texts = {name: string(value, place, name) for name, value in named.items() if name not in TAKEN and "@" not in name}
    return {name: value for name, value in texts.items() if name and value}


def read_qrels(path: Path, queries: Mapping[str, object], documents: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Query id to document id to grade, from lines of query id, document id and grade with tabs between.

    A first line that names columns (no grade, no known query or document) is passed over. The same judgment
    twice counts once.

    Raises:
        InputError: the file cannot be read or judges nothing; a line has not three columns; the query or the
            document is unknown; a grade is no whole number from 0 to 1000 or contradicts an earlier one.
    """
    qrels: dict[str, dict[str, int]] = {}
    for line, query_id, doc_id, grade in _rows(path, {*queries, *documents}):
        place = at(path, line)
        if query_id not in queries:
            raise InputError(
                f"{place}: the query {query_id!r} is not in queries.jsonl; add it there or remove the line."
            )
        if doc_id not in documents:
            raise InputError(f"{place}: the document {doc_id!r} is not in the corpus; add it there or remove the line.")
        if qrels.setdefault(query_id, {}).setdefault(doc_id, grade) != grade:
            raise InputError(f"{place}: {query_id!r} and {doc_id!r} were given another grade before; keep one of them.")
    if not qrels:
        raise InputError(f"{path}: holds no judgment; fill the split or remove the file.")
    return qrels


def _rows(path: Path, known: set[str]) -> Iterator[tuple[int, str, str, int]]:
    first = True
    for line, text in text_lines(path):
        columns = text.split("\t")
        if len(columns) != 3:
            raise InputError(
                f"{at(path, line)}: {len(columns)} columns; write query id, document id and grade with tabs between."
            )
        query_id, doc_id, grade = columns
        header = first and known.isdisjoint((query_id, doc_id)) and not re.search(r"\d", grade)
        first = False
        if not header:
            yield line, query_id, doc_id, _grade(grade.strip(), at(path, line))


def _grade(text: str, place: str) -> int:
    if re.fullmatch(r"\+?[0-9]{1,9}", text) and int(text) <= HIGHEST_GRADE:
        return int(text)
    raise InputError(
        f"{place}: the grade {text[:40]!r} is not possible; grades are whole numbers from 0 to {HIGHEST_GRADE}."
    )
