"""Hard cases that a person has judged, read back from ``hard_cases.csv``."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError, at

COLUMNS = ("query", "doc_id", "weight", "grade")


@dataclass(frozen=True)
class Cases:
    """Judged candidates; columns of equal length.

    Attributes:
        rows: int64 [n], of the corpus.
        labels: bool [n], whether the grade is above 0.
        weights: float64 [n], candidates each one stands for.
        ungraded: rows of the file that nobody has judged yet.
    """

    queries: Sequence[str]
    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    ungraded: int

    def notice(self) -> str:
        """How many there are."""
        more = f"; {self.ungraded:,} more have no grade yet" if self.ungraded else ""
        return f"{len(self.rows):,} hard cases that somebody judged go into the calibration{more}."


def read_cases(path: str | Path, corpus: Corpus) -> Cases:
    """The graded rows of a CSV file as ``HardCases`` has it written.

    Raises:
        InputError: the file cannot be read, lacks a column or any grade, or a row is wrong; the sentence says where.
    """
    found, places, ungraded = [], {}, 0
    for line, row in _lines(Path(path)):
        if not (row["grade"] or "").strip():
            ungraded += 1
            continue
        case = _case(Path(path), line, row, corpus)
        known = places.setdefault((normalise(case[0]), case[1]), line)
        if known != line:
            raise InputError(f"{at(path, line)}: the same query and document stand in line {known}; remove one.")
        found.append(case)
    if not found:
        raise InputError(f"{at(path, column='grade')}: no row has a grade; fill it where you have judged.")
    queries, rows, labels, weights = zip(*found, strict=True)
    return Cases(queries, np.array(rows, np.int64), np.array(labels, bool), np.array(weights), ungraded)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            for column in COLUMNS:
                if column not in (reader.fieldnames or ()):
                    raise InputError(f"{at(path, 1, column)}: is missing; give the file with the columns it came with.")
            for row in reader:
                yield reader.line_num, row
    except OSError as error:
        raise InputError(f"teacher.judged_cases={path} cannot be read ({error.strerror}); give a CSV file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8.") from error
    except csv.Error as error:
        raise InputError(f"{at(path, reader.reader.line_num)}: not valid CSV ({error}); mend the line.") from error


def _case(path: Path, line: int, row: dict[str, str | None], corpus: Corpus) -> tuple[str, int, bool, float]:
    if not (row["query"] or "").strip():
        raise InputError(f"{at(path, line, 'query')}: is empty; restore it or remove the row.")
    if row["doc_id"] not in corpus.index:
        raise InputError(f"{at(path, line, 'doc_id')}: '{row['doc_id']}' is not in the corpus; restore or remove it.")
    grade, weight = _number(row["grade"]), _number(row["weight"])
    if not (grade >= 0 and grade.is_integer()):
        raise InputError(f"{at(path, line, 'grade')}: '{row['grade']}' is no whole number of at least 0; mend it.")
    if not 0 < weight < math.inf:
        raise InputError(f"{at(path, line, 'weight')}: '{row['weight']}' is no number above 0; restore it.")
    return row["query"], corpus.index[row["doc_id"]], grade > 0, weight


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return math.nan
