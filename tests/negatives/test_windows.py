from shoptalk.domain.judgments import Judged
from shoptalk.negatives.windows import judged_windows, paired_windows


def test_windows_hold_the_ranks_asked_and_the_grades_above_zero(world):
    ask = world.make()
    near = ask.dense(["red ant"], 40).rows[0]
    judged = Judged(["q"], ["red ant"], {"q": {f"d{near[3]}": 2, f"d{near[4]}": 0, f"d{near[20]}": 1}})
    windows = judged_windows(judged, ask.corpus, ask.dense, (2, 10), 5)
    assert windows.rows.tolist() == [near[2:10].tolist()]
    assert windows.labels.tolist() == [[False, True] + [False] * 6]


def test_a_relevant_document_is_put_in_only_where_no_window_holds_one(world):
    ask = world.make()
    near = ask.dense(["red ant"], 40).rows[0]
    judged = Judged(["q"], ["red ant"], {"q": {f"d{near[20]}": 1}})
    windows = judged_windows(judged, ask.corpus, ask.dense, (0, 5), 5)
    assert windows.rows.tolist() == [[*near[:4].tolist(), near[20]]]
    assert windows.labels.tolist() == [[False] * 4 + [True]]


def test_windows_of_training_pairs_know_their_positives(world):
    ask = world.make()
    windows = paired_windows(ask.pairs, ask.corpus, ask.known, ask.dense, (0, 40), 3, 0)
    assert len(windows.queries) == 3
    for query, rows, labels in zip(windows.queries, windows.rows, windows.labels, strict=True):
        assert {f"d{r}" for r in rows[labels]} == ask.known.documents(query)
