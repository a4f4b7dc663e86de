import polars as pl
import pytest

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.errors import InputError
from shoptalk.sources.intents import IntentSource
from shoptalk.sources.labels import LabelSource
from shoptalk.sources.pairs import SCHEMA, Ground


def judged() -> Judged:
    qrels = {"1": {"a": 3, "b": 1, "c": 0}, "2": {"b": 2}, "3": {"gone": 2}}
    return Judged(["1", "2", "3"], ["loud horn", "CPU", "lost"], qrels, {"query_kind": ["plain", None, "plain"]})


def ground(seed=0, intents=None, **splits) -> Ground:
    corpus = Corpus(["a", "b", "c"], ["A", "B", "C"], ["", "", ""])
    return Ground(Domain("toy", corpus, splits, intents=intents), lambda texts, role: None, Cache("unused"), seed)


def test_judgments_become_pairs_weighted_by_grade():
    got = LabelSource().read("labels", ground(train=judged()))
    assert got.pairs.schema == SCHEMA
    rows = {(q, d): w for q, d, w in got.pairs.select("query", "doc_id", "weight").iter_rows()}
    assert rows == pytest.approx({("loud horn", "a"): 1.5, ("CPU", "b"): 1.0, ("loud horn", "b"): 0.5})
    assert got.pairs["source"].unique().to_list() == ["labels"]
    assert dict(got.pairs.select("query", "query_kind").iter_rows()) == {"loud horn": "plain", "CPU": None}
    assert got.rejected["reason"].to_list() == ["document not in the corpus"]
    assert got.counts == {"read": 5, "below min_grade": 1, "not in the corpus": 1, "kept": 3}


def test_min_grade_and_given_weights():
    got = LabelSource(min_grade=2, grade_weights={2: 1.0, "3": 3.0}).read("labels", ground(train=judged()))
    assert dict(got.pairs.select("query", "weight").iter_rows()) == pytest.approx({"loud horn": 1.5, "CPU": 0.5})


def test_a_query_text_judged_twice_is_one_pair_with_the_best_grade():
    twice = Judged(["1", "2"], ["horn", "horn"], {"1": {"a": 1}, "2": {"a": 3, "b": 3}})
    pairs = LabelSource().read("labels", ground(train=twice)).pairs
    assert sorted(pairs["doc_id"]) == ["a", "b"] and pairs["weight"].to_list() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("options", "splits", "said"),
    [
        ({}, {}, "no train judgments; add qrels/train.tsv"),
        ({"min_grade": 4}, {"train": judged()}, "lower min_grade"),
        ({"grade_weights": {1: 1, 2: 1}}, {"train": judged()}, "none for grade 3"),
        ({"grade_weights": {1: 0}}, {}, "grade_weights.1=0"),
        ({"grade_weights": {"good": 1}}, {}, "'good'"),
        ({"min_grade": 0}, {}, "min_grade=0"),
    ],
)
def test_bad_labels_are_refused_in_one_sentence(options, splits, said):
    with pytest.raises(InputError) as caught:
        LabelSource(**options).read("labels", ground(**splits))
    assert said in str(caught.value)


def pool(n: int) -> Judged:
    ids = [str(i) for i in range(n)]
    return Judged(ids, [f"query {i}" for i in ids], {i: {"abc"[int(i) % 3]: 1} for i in ids}, {"query_kind": ["k"] * n})


def test_intents_are_a_nested_random_part_of_the_pool():
    def some(n, seed=0):
        return IntentSource(pairs=n).read("oracle", ground(seed, intents=pool(60))).pairs

    assert some(10).equals(some(20).head(10))
    assert set(some(10)["query"]) != set(some(10, seed=1)["query"])
    assert some(None).height == 60 and some(10)["query_kind"].unique().to_list() == ["k"]
    assert some(10).select(pl.col("weight").mean()).item() == pytest.approx(1)


def test_intents_say_when_there_are_fewer_or_none():
    got = IntentSource(pairs=99).read("oracle", ground(intents=pool(6)))
    assert got.pairs.height == 6 and "99 pairs asked" in got.notices[0]
    with pytest.raises(InputError, match="has no intents"):
        IntentSource().read("oracle", ground())
    with pytest.raises(InputError, match="pairs=0"):
        IntentSource(pairs=0)
