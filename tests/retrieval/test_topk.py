import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.retrieval.topk import top_k


def naive(row, k):
    return sorted(range(len(row)), key=lambda c: (-row[c], c))[:k]


@given(st.integers(1, 12), st.data())
@settings(max_examples=100, deadline=None)
def test_equals_a_sort_by_score_then_column(m, data):
    # Few distinct values, so that ties at the border are the rule.
    rows = data.draw(st.lists(st.lists(st.integers(-2, 2), min_size=m, max_size=m), min_size=0, max_size=5))
    k = data.draw(st.integers(0, m))
    scores = np.array(rows, np.float32).reshape(-1, m)
    columns, values = top_k(scores, k)
    assert columns.tolist() == [naive(row, k) for row in rows]
    assert values.tolist() == [[row[c] for c in naive(row, k)] for row in rows]
