"""Grades by way of a spreadsheet: what is to be graded goes out, and what was graded comes back."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.judging import sheets
from shoptalk.judging.journal import GRADES, Journal, Said
from shoptalk.judging.task import Task

COLUMNS = ("query_id", "doc_id", "query", "title", "text", "grade")


def written(task: Task, said: Said, corpus: Corpus, path: Path) -> int:
    """Write a row for every document of the task, with the grade it has; the number of rows.

    Texts that a spreadsheet would take for formulas get an apostrophe in front; ids stay as they are.

    Raises:
        InputError: the file cannot be written.
    """
    rows = []
    for query_id, doc_ids in task.documents.items():
        for doc_id in doc_ids:
            row = corpus.index[doc_id]
            texts = (task.texts[query_id], corpus.titles[row], corpus.texts[row])
            grade = said.grades.get((query_id, doc_id), "")
            rows.append([query_id, doc_id, *map(sheets.harmless, texts), grade])
    sheets.write(path, COLUMNS, rows, "export")
    return len(rows)


def read(pool: Mapping[str, list[str]], journal: Journal, path: Path) -> Counter[str]:
    """Follow the grades of a file: how many are ``new``, ``changed``, the ``same`` as before, or ``empty``.

    Raises:
        InputError: the file cannot be read, or a row is wrong; then no grade of it is taken.
    """
    _, rows = sheets.rows_of(path, ("query_id", "doc_id", "grade"), "import")
    known = {query_id: set(doc_ids) for query_id, doc_ids in pool.items()}
    found: dict[tuple[str, str], tuple[int, int]] = {}
    faults, counts = [], Counter()
    for number, row in rows:
        if not row["grade"].strip():
            counts["empty"] += 1
            continue
        fault = _fault(row, known) or _other(row, found)
        if fault:
            faults.append(f"{sheets.place(path, number, fault[0])}: {fault[1]}")
            continue
        found[row["query_id"], row["doc_id"]] = _grade(row["grade"]), number
    if faults:
        more = f" ({len(faults) - 1:,} more rows are wrong.)" if len(faults) > 1 else ""
        raise InputError(f"{faults[0]}; no grade was taken.{more}")
    return counts + _followed(journal, {key: grade for key, (grade, _) in found.items()})


def _followed(journal: Journal, grades: Mapping[tuple[str, str], int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    acts: list[dict[str, Any]] = []
    for (query_id, doc_id), grade in grades.items():
        before = journal.grades.get((query_id, doc_id))
        kind = "new" if before is None else "same" if before == grade else "changed"
        counts[kind] += 1
        if kind != "same":
            acts.append({"act": "grade", "query_id": query_id, "doc_id": doc_id, "grade": grade})
    if acts:
        journal.acts(acts)
    return counts


def _fault(row: Mapping[str, str], known: Mapping[str, set[str]]) -> tuple[str, str] | None:
    """Column and sentence of what is wrong with one row."""
    query_id, doc_id = row["query_id"], row["doc_id"]
    if query_id not in known:
        return "query_id", f"'{query_id[:40]}' is none of these queries; restore or remove the row"
    if doc_id not in known[query_id]:
        return "doc_id", f"'{doc_id[:40]}' is no document of that query; restore or remove the row"
    if _grade(row["grade"]) is None:
        return "grade", f"'{row['grade'][:40]}' is no grade; write 0, 1, 2 or 3, or nothing"
    return None


def _other(row: Mapping[str, str], found: Mapping[tuple[str, str], tuple[int, int]]) -> tuple[str, str] | None:
    grade, number = found.get((row["query_id"], row["doc_id"]), (_grade(row["grade"]), 0))
    if grade == _grade(row["grade"]):
        return None
    return "grade", f"row {number} gave the same query and document another grade; remove one of them"


def _grade(text: str) -> int | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value in GRADES else None
