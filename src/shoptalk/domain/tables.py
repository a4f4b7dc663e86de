"""Corpora in files: jsonl as BEIR has it, Parquet, CSV."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.lines import check_columns, identifier, json_objects, string
from shoptalk.errors import InputError, at

Rows = Iterator[tuple[str, Mapping[str, object]]]
"""Where a row stands ("file, line 3"), and its columns."""


def read_corpus(path: Path) -> Corpus:
    """The documents of a file, in its order: columns ``_id`` and ``title`` or ``text`` or both.

    The ending decides the format: ``.jsonl``, ``.parquet`` or ``.csv``. Other columns are passed over.

    Raises:
        InputError: an unknown ending, a file that cannot be read, a missing column, a value that is no text,
            an id that stands twice, a document without title and text, or no document at all.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: a corpus ends in {', '.join(READERS)}; convert the file to one of them.")
    return _corpus(path, reader(path))


def _corpus(path: Path, rows: Iterable[tuple[str, Mapping[str, object]]]) -> Corpus:
    places: dict[str, str] = {}
    titles, texts = [], []
    for place, row in rows:
        _check(row, place)
        doc_id = identifier(row["_id"], place, "_id")
        if doc_id in places:
            raise InputError(
                f"{place}: the document id {doc_id!r} stands at {places[doc_id]} as well; make ids unique."
            )
        title, text = string(row.get("title"), place, "title"), string(row.get("text"), place, "text")
        if not title and not text:
            raise InputError(f"{place}: the document {doc_id!r} is empty; give it a title or a text, or remove it.")
        places[doc_id] = place.removeprefix(f"{path}, ")
        titles.append(title)
        texts.append(text)
    if not places:
        raise InputError(f"{path}: holds no document; give at least one.")
    return Corpus(list(places), titles, texts)


def _check(columns: Collection[str], place: str) -> None:
    check_columns(columns, ("_id",), place, "give every document an id")
    check_columns(columns, ("title", "text"), place, "give every document one of them")


def _jsonl(path: Path) -> Rows:
    return ((at(path, line), row) for line, row in json_objects(path))


def _parquet(path: Path) -> Rows:
    import polars as pl

    return _frame(path, lambda: pl.read_parquet(path, use_pyarrow=False))


def _csv(path: Path) -> Rows:
    import polars as pl

    return _frame(path, lambda: pl.read_csv(path, infer_schema=False))


def _frame(path: Path, read) -> Rows:
    import polars as pl

    try:
        table = read()
        _check(table.columns, str(path))
        table = table.select(name for name in ("_id", "title", "text") if name in table.columns)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; give a folder that holds it.") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise InputError(f"{path}: cannot be read as {path.suffix[1:]} ({reason}); write the file anew.") from error
    return ((f"{path}, row {number}", row) for number, row in enumerate(table.iter_rows(named=True), start=1))


READERS = {".jsonl": _jsonl, ".parquet": _parquet, ".csv": _csv}
