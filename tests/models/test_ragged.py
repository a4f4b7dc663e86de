import numpy as np
import pyarrow  # noqa: F401  before the clock of Hypothesis runs
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.models.ragged import Ragged

TEXTS = st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=9), max_size=12)


def as_lists(ragged: Ragged) -> list[list[int]]:
    return [ids.tolist() for ids in ragged]


@given(TEXTS, st.data())
def test_taking_rows_is_taking_lists(texts, data):
    ragged = Ragged.of(texts)
    assert as_lists(ragged) == texts and ragged.lengths.tolist() == [len(text) for text in texts]
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=20)) if texts else []
    assert as_lists(ragged.take(rows)) == [texts[row] for row in rows]
    assert ragged.values.dtype == np.int32


@given(st.integers(0, 2100))
def test_coding_in_parts_is_coding_at_once(count):
    sizes = []

    def code(part):
        sizes.append(len(part))
        return [[int(text)] * (int(text) % 3) for text in part]

    texts = [str(k) for k in range(count)]
    assert as_lists(Ragged.coded(code, texts)) == code(texts)
    assert max(sizes[:-1], default=0) <= 1000


@given(TEXTS, TEXTS)
def test_joining_is_joining_lists(left, right):
    assert as_lists(Ragged.joined([Ragged.of(left), Ragged.of(right)])) == left + right


@given(texts=TEXTS)
def test_what_is_written_is_read(texts, tmp_path_factory):
    path = tmp_path_factory.mktemp("ragged") / "ids.arrow"
    Ragged.of(texts).write(path)
    found = Ragged.read(path)
    assert as_lists(found) == texts
    assert not found.values.flags.owndata, "memory-mapped"


def test_a_row_outside_is_no_row():
    ragged = Ragged.of([[1], [2, 3]])
    assert [len(text) for text in ragged] == [1, 2]
    for row in (-1, 2):
        try:
            ragged[row]
        except IndexError:
            continue
        raise AssertionError(row)
