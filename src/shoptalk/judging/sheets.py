"""Tables that people open in a spreadsheet: written for it, and read back as it saves them."""

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from shoptalk.errors import InputError, at

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LIMIT = min(sys.maxsize, 2**31 - 1)


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]], option: str) -> None:
    """A CSV file with a byte order mark, by which spreadsheets know UTF-8.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        with open(path, "w", encoding="utf-8-sig", newline="", errors="replace") as handle:
            writer = csv.writer(handle)
            writer.writerow(columns)
            writer.writerows(rows)
    except OSError as error:
        raise InputError(f"{option}={path} cannot be written ({error.strerror}); give another file.") from error


def harmless(text: str) -> str:
    """``text``, with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def rows_of(path: Path, wanted: Sequence[str], option: str) -> tuple[list[str], list[tuple[int, Mapping[str, str]]]]:
    """Column names, and the number (the head is row 1) and the cells of every row.

    Commas, semicolons or tabs stand between cells, whichever the head has.

    Raises:
        InputError: the file cannot be read, is no CSV, lacks a ``wanted`` column, or has a row that is too long.
    """
    csv.field_size_limit(_LIMIT)
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            head = handle.readline()
            handle.seek(0)
            reader = csv.DictReader(handle, delimiter=max(",;\t", key=head.count), restval="", strict=True)
            names = [name or "" for name in reader.fieldnames or ()]
            for column in wanted:
                if column not in names:
                    raise InputError(f"{place(path, 1, column)}: is missing; give the file with the columns it needs.")
            rows = list(enumerate(reader, start=2))
    except OSError as error:
        raise InputError(f"{option}={path} cannot be read ({error.strerror}); give a CSV file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8.") from error
    except csv.Error as error:
        raise InputError(f"{at(path, reader.reader.line_num)}: not valid CSV ({error}); mend the line.") from error
    for number, row in rows:
        if None in row:
            raise InputError(f"{path}, row {number}: has more cells than the head; mend the row.")
    return names, rows


def place(path: Path, row: int, column: str) -> str:
    """``file, row 3, column 'grade'``: as a spreadsheet numbers rows."""
    return f"{path}, row {row}, column '{column}'"
