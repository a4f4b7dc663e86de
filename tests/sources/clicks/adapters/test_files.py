"""Which files make up a log."""

import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.files import log_files


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def names(folder, path):
    return [f.relative_to(folder).as_posix() for f in log_files(path)]


def test_a_folder_holds_its_subfolders_sorted_without_what_is_hidden(tmp_path):
    made(tmp_path, "b.csv", "a/2.csv.gz", "a/1.tsv", ".x.csv", "_y.csv", "_z/1.csv", ".git/1.csv", "README.md")
    assert names(tmp_path, tmp_path) == ["a/1.tsv", "a/2.csv.gz", "b.csv"]


def test_a_glob_names_files_and_folders(tmp_path):
    made(tmp_path, "day=1/a.jsonl", "day=2/a.ndjson.gz", "day=2/_SUCCESS", "other/a.json")
    assert names(tmp_path, tmp_path / "day=*") == ["day=1/a.jsonl", "day=2/a.ndjson.gz"]
    assert names(tmp_path, tmp_path / "**/*.json") == ["other/a.json"]


def test_a_file_whose_name_looks_like_a_glob(tmp_path):
    made(tmp_path, "log[1].csv")
    assert names(tmp_path, tmp_path / "log[1].csv") == ["log[1].csv"]


@pytest.mark.parametrize("name", ["nothing.csv", "nothing/*.csv", "empty"])
def test_no_file(tmp_path, name):
    made(tmp_path, "empty/README.md")
    with pytest.raises(InputError, match=r"there is no such click log; give a file, a folder or a glob"):
        log_files(tmp_path / name)


@pytest.mark.parametrize("name", ["log.txt", "log.parquet.gz", "*.txt"])
def test_a_format_that_is_not_read(tmp_path, name):
    made(tmp_path, "log.txt", "log.parquet.gz")
    with pytest.raises(InputError, match=r"a click log ends in \.parquet, \.csv or \.jsonl"):
        log_files(tmp_path / name)


def test_mixed_formats(tmp_path):
    made(tmp_path, "a.csv", "b.parquet")
    with pytest.raises(InputError, match=r"holds a\.csv and b\.parquet, but one log has files of one format"):
        log_files(tmp_path)
