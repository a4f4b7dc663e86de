"""Logs of every kind written by hand, and what adapters make of them."""

import gzip
import json
from types import SimpleNamespace

import polars as pl
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.files import log_files
from shoptalk.sources.clicks.log import COLUMNS


def write(path, rows):
    """Rows as JSON lines, CSV (objects as JSON text) or Parquet, by the name of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
        return path
    if name.endswith(".csv"):
        flat = [
            {k: json.dumps(v) if isinstance(v, list | dict) or huge(v) else v for k, v in row.items()} for row in rows
        ]
        data = pl.DataFrame(flat, infer_schema_length=None, strict=False).write_csv().encode()
    else:
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


def huge(value):
    """Whether polars has no column for such a number."""
    return isinstance(value, int) and abs(value) >= 2**63


def convert(adapter, path, position_base=1):
    """What the adapter makes of the log, and its rows as dicts of what is told, in order."""
    folder = (path if path.is_dir() else path.parent) / "_converted"
    folder.mkdir(exist_ok=True)
    found = adapter.convert(log_files(path), position_base, folder)
    assert found.files == (folder / "clicks.parquet",)
    assert list(folder.iterdir()) == list(found.files)
    table = pl.read_parquet(found.files[0])
    assert set(table.columns) <= set(COLUMNS)
    assert found.told <= set(table.columns)
    assert table["position"].min() >= 1
    assert found.counts["rows_made"] == table.height
    return found, table.to_dicts()


def refused(adapter, path, position_base=1):
    """The one sentence that ends the reading."""
    folder = (path if path.is_dir() else path.parent) / "_converted"
    folder.mkdir(exist_ok=True)
    with pytest.raises(InputError) as error:
        adapter.convert(log_files(path), position_base, folder)
    sentence = str(error.value)
    assert sentence.startswith(str(path))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def sentence_or_counts(adapter, path, position_base=1):
    """``None`` where the log is refused; anything but ``InputError`` fails the test."""
    try:
        return convert(adapter, path, position_base)
    except InputError as error:
        assert "\n" not in str(error)
        return None


def picked(rows, *columns):
    return [tuple(row[c] for c in columns) for row in rows]


@pytest.fixture(scope="session")
def logs():
    return SimpleNamespace(
        write=write, convert=convert, refused=refused, sentence_or_counts=sentence_or_counts, picked=picked
    )
