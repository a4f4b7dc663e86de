from collections import Counter

import numpy as np

from shoptalk.sources.clicks.observed import Observed


def test_counts_of_lists_equal_plain_loops():
    random = np.random.default_rng(0)
    query = random.integers(0, 5, 600)
    document = np.array([random.permutation(11)[:5] for _ in query])
    for row, length in enumerate(random.integers(1, 6, 600)):
        document[row, length:] = -1
    clicked = (random.random(document.shape) < 0.3) & (document >= 0)
    shown, hits, shown_lists, hits_lists = Counter(), Counter(), Counter(), Counter()
    for q, row, clicks in zip(query, document, clicked, strict=True):
        previous = 0
        for rank, (doc, click) in enumerate(zip(row, clicks, strict=True), start=1):
            if doc < 0:
                break
            key = (q, str(doc), rank)
            whole = (*key, previous, bool(clicks[rank:].any()))
            shown[key] += 1
            hits[key] += click
            shown_lists[whole] += 1
            hits_lists[whole] += click
            previous = rank if click else previous
    observed = Observed.of_lists(query, document, clicked)
    assert {row[:3]: row[3:] for row in observed.by_position.rows()} == {k: (shown[k], hits[k]) for k in shown}
    assert {row[:5]: row[5:] for row in observed.lists.rows()} == {
        k: (shown_lists[k], hits_lists[k]) for k in shown_lists
    }
    pairs = observed.by_position["query_id"].cast(str) + "/" + observed.by_position["doc_id"]
    assert observed.pair_numbers().max() + 1 == pairs.n_unique()
