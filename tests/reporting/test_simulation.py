import polars as pl

from shoptalk.reporting.simulation import never_shown, purity, told

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


def test_pairs_of_clicks_and_of_the_teacher_are_told_apart(tmp_path):
    TRUTH.write_parquet(tmp_path / "truth.parquet")
    clicked = pl.DataFrame({"query": ["amol", "amol"], "doc_id": ["d2", "d4"]}).with_columns(
        source=pl.lit("clicks"), teacher_score=pl.lit(None, pl.Float32)
    )
    guessed = clicked.head(1).with_columns(teacher_score=pl.lit(0.95, pl.Float32))
    assert told(clicked, tmp_path / "truth.parquet").keys() == {"never_shown", "purity"}
    found = told(pl.concat([clicked, guessed]), tmp_path / "truth.parquet")
    assert found["purity"] == {"clicks": 0.5} and found["pseudo_purity"] == {"clicks": 1.0}
