import polars as pl

from shoptalk.reporting.simulation import never_shown, purity

TRUTH = pl.DataFrame(
    {
        "intent_id": ["x", "y", "y", "z"],
        "query": ["Sore knee", "AMoL", "AMoL", "never"],
        "doc_id": ["d1", "d2", "d3", "d4"],
        "times_asked": [5, 2, 2, 0],
        "times_shown": [0, 1, 0, 0],
    }
)


def test_purity_counts_true_pairs_in_any_spelling():
    pairs = pl.DataFrame({"query": ["sore  knee?", "amol", "amol", "AMoL"], "doc_id": ["d1", "d3", "d1", "d2"]})
    assert purity(pairs, TRUTH) == 0.75
    assert purity(pairs.clear(), TRUTH) is None


def test_never_shown_is_counted_by_intent():
    assert never_shown(TRUTH) == {"intents": 3, "asked": 2, "of_all": 2 / 3, "of_asked": 0.5}
