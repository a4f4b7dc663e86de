import numpy as np

from shoptalk.domain.judgments import Judged
from shoptalk.retrieval.judged import judged_documents, judged_share, warnings
from shoptalk.retrieval.ranked import Ranked

IDS = [f"d{i}" for i in range(20)]


def test_the_share_counts_every_grade_in_the_first_ten_and_no_more():
    judged = Judged(list("abcd"), list("abcd"), {"a": {"d0": 0, "d1": 2, "d11": 1}, "b": {"d5": 1}, "d": {"d0": 1}})
    rows = np.array([np.arange(12), np.arange(12, 0, -1), np.arange(12), [0, 3, *[-1] * 10]])
    rows = np.vstack([rows[:3], rows[3:]])
    found = judged_share(Ranked(rows, np.zeros(rows.shape, np.float32)), IDS, judged)
    assert found.tolist() == [0.2, 0.1, 0.0, 0.5]
    nothing = Ranked(np.full((4, 3), -1), np.full((4, 3), -np.inf, np.float32))
    assert np.isnan(judged_share(nothing, IDS, judged)).all()


def test_the_median_counts_queries_without_judgments():
    assert judged_documents(Judged(list("abc"), list("abc"), {"a": {"d0": 0, "d1": 1}, "b": {"d1": 1}})) == 1.0
    assert judged_documents(Judged([], [], {})) == 0.0


def test_arms_that_differ_and_sparse_judgments_are_told():
    told = warnings("test", {"BM25": 0.5, "adapted": 0.35, "zero-shot": 0.45}, 12)
    assert (
        len(told) == 1 and "50 % of the first ten results of BM25" in told[0] and "35 % of those of adapted" in told[0]
    )
    assert warnings("test", {"BM25": 0.5, "adapted": 0.4}, 10) == []
    [sparse] = warnings("dev", {"BM25": 0.1, "adapted": 0.1}, 1)
    assert sparse.startswith("Sparse judgments: the median query of dev has 1 judged document,")
