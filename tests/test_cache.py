import errno
import multiprocessing
import time

import numpy as np
import pytest

from shoptalk.cache import Cache, digest, digest_texts
from shoptalk.errors import InputError


def test_digest_tells_borders_and_order_apart():
    assert digest_texts(["ab", "c"]) != digest_texts(["a", "bc"])
    assert digest_texts(["a", "b"]) != digest_texts(["b", "a"])
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})


def test_made_once_and_read_back(tmp_path):
    cache, calls = Cache(tmp_path), []
    make = lambda: calls.append(1) or np.arange(6.0)  # noqa: E731
    first, second = cache.array("x", "k", make), cache.array("x", "k", make)
    assert calls == [1] and (first == second).all() and not second.flags.writeable


def test_an_interrupted_write_leaves_nothing_to_read(tmp_path):
    cache = Cache(tmp_path)

    def half(folder):
        (folder / "data").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.folder("x", "k", half)
    whole = cache.folder("x", "k", lambda folder: (folder / "data").write_text("whole"))
    assert (whole / "data").read_text() == "whole"


def _killed(root):
    def make(folder):
        (folder / "data").write_text("half")
        time.sleep(60)

    Cache(root).folder("x", "k", make)


def test_a_killed_writer_frees_its_lock_and_leaves_no_half_file(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(tmp_path,))
    process.start()
    while not list(tmp_path.glob("x/.making-*/data")):
        time.sleep(0.05)
    process.kill()
    process.join()
    whole = Cache(tmp_path).folder("x", "k", lambda folder: (folder / "data").write_text("whole"))
    assert (whole / "data").read_text() == "whole"


def _counted(root):
    def make(folder):
        with open(root / "calls", "a") as calls:
            calls.write("1")
        time.sleep(0.3)
        (folder / "data").write_text("x")

    Cache(root / "cache").folder("x", "k", make)


def test_two_processes_make_one_thing_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_counted, args=(tmp_path,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert (tmp_path / "calls").read_text() == "1"


def test_a_full_disk_is_one_sentence(tmp_path):
    def make(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match="disk is full"):
        Cache(tmp_path).folder("x", "k", make)
    assert not list(tmp_path.glob("x/k"))


def test_the_longest_unused_go_first_when_the_cap_is_passed(tmp_path):
    cache = Cache(tmp_path, max_bytes=2500)
    for key in "abc":
        cache.folder("x", key, lambda folder: (folder / "data").write_bytes(b"0" * 1000))
        time.sleep(0.02)
    assert not (tmp_path / "x" / "a").exists() and (tmp_path / "x" / "c").exists()


def test_rows_are_written_part_by_part_and_read_back_mapped(tmp_path):
    whole = np.arange(21, dtype=np.float32).reshape(7, 3)
    parts = lambda: (part for part in (whole[:2], whole[2:2], whole[2:].astype(np.float64)))  # noqa: E731
    found = Cache(tmp_path).rows("x", "k", (7, 3), parts)
    assert isinstance(found, np.memmap) and not found.flags.writeable and np.array_equal(found, whole)
    again = Cache(tmp_path).rows("x", "k", (7, 3), lambda: pytest.fail("made again"))
    assert np.array_equal(again, whole)
    assert Cache(tmp_path).rows("x", "none", (0, 3), list).shape == (0, 3)


def test_rows_that_break_off_leave_nothing(tmp_path):
    def parts():
        yield np.ones((2, 3))
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        Cache(tmp_path).rows("x", "k", (7, 3), parts)
    assert list((tmp_path / "x").iterdir()) == []
