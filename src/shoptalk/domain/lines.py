"""Text files read line by line, with the place of every fault."""

import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from shoptalk.errors import InputError, at


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line number (from 1) and text of every line that is not blank; a byte order mark is skipped.

    Raises:
        InputError: the file is missing, cannot be read, or is not UTF-8.
    """
    try:
        with open(path, "rb") as handle:
            for number, raw in enumerate(handle, start=1):
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
                if text.strip():
                    yield number, text
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; give a folder that holds it.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a readable file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{at(path, number)}: not UTF-8; save the file as UTF-8.") from error


def json_objects(path: Path) -> Iterator[tuple[int, dict]]:
    """Line number and object of every line of a jsonl file.

    Raises:
        InputError: as ``text_lines``, or a line is no JSON object.
    """
    for number, text in text_lines(path):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{at(path, number)}: not valid JSON; write one JSON object per line.") from error
        if not isinstance(value, dict):
            raise InputError(f"{at(path, number)}: not a JSON object; write one JSON object per line.")
        yield number, value


def check_columns(there: Collection[str], wanted: Iterable[str], place: str, mend: str) -> None:
    """Refuse a row, or a table, that has none of the ``wanted`` columns.

    Raises:
        InputError: with the first twenty of those that are ``there``.
    """
    if not any(name in there for name in wanted):
        found = ", ".join(repr(name[:40]) for name in list(there)[:20]) or "none"
        raise InputError(f"{place}: no column {' or '.join(map(repr, wanted))} (there are: {found}); {mend}.")


def identifier(value: object, place: str, column: str) -> str:
    """An id as a string: a non-empty string without tabs and line breaks, or a whole number.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    good = isinstance(value, str) and value and not set(value) & set("\t\r\n") and _encodable(value)
    if not good:
        raise InputError(f"{place}, column '{column}': not an id; give a string or a whole number.")
    return value


def string(value: object, place: str, column: str) -> str:
    """A text, stripped; ``None`` is the empty text.

    Raises:
        InputError: no string, or one that UTF-8 cannot hold (half of a surrogate pair).
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{place}, column '{column}': not a text; give a string.")
    if not _encodable(value):
        raise InputError(f"{place}, column '{column}': holds half of a surrogate pair; write the text as UTF-8.")
    return value.strip()


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
