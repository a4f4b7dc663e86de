import numpy as np
import pytest
import torch  # noqa: F401  before the clock of Hypothesis runs
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.models.tokens import chunks, pad, prompt_of

LENGTHS = st.lists(st.integers(0, 300), max_size=200)


@given(LENGTHS, st.integers(1, 2000), st.integers(1, 50))
def test_chunks_hold_every_text_once_within_the_budget(lengths, budget, rows):
    plan = chunks(lengths, budget, rows)
    assert sorted(row for chunk in plan for row in chunk) == list(range(len(lengths)))
    for chunk in plan:
        longest = max(lengths[row] for row in chunk)
        assert len(chunk) <= rows and (len(chunk) == 1 or len(chunk) * longest <= budget)
    ordered = [lengths[row] for chunk in plan for row in chunk]
    assert ordered == sorted(lengths, reverse=True)


@given(st.lists(st.lists(st.integers(1, 99), max_size=9), min_size=1, max_size=9), st.sampled_from(["left", "right"]))
def test_padding_keeps_ids_and_marks_them(ids, side):
    tokens, mask = pad(ids, 0, side)
    assert tokens.shape == mask.shape == (len(ids), max(1, *map(len, ids)) if len(ids) > 1 else max(1, len(ids[0])))
    for row, line, ones in zip(ids, tokens.numpy(), mask.numpy(), strict=True):
        assert line[ones == 1].tolist() == row and not line[ones == 0].any()
        assert (np.diff(ones) >= 0).all() if side == "left" else (np.diff(ones) <= 0).all()


def test_a_prompt_has_a_kind():
    assert prompt_of({"query": "q: "}, "query") == "q: " and prompt_of({"passage": "p: "}, "document") == ""
    with pytest.raises(InputError, match="must be 'query' or 'document'"):
        prompt_of({}, "passage")
