from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged, Known
from shoptalk.errors import InputError
from shoptalk.models.ragged import Ragged
from shoptalk.preparing import examples, gather, with_given
from shoptalk.sources.forms import Forms
from shoptalk.sources.pairs import Ground, Yielded, as_pairs

CORPUS = Corpus(["a", "b", "c"], ["A", "B", "C"], ["one", "two", "three"])
TEST = Judged(["t"], ["Held out?"], {"t": {"a": 1}})


class Fixed:
    """A source that yields what it is given."""

    def __init__(self, rows, **more):
        self.rows, self.more = rows, more

    def read(self, name, ground):
        table = pl.DataFrame(self.rows, schema=["query", "doc_id"], orient="row")
        return Yielded(as_pairs(table, name), counts={"read": len(self.rows)}, **self.more)


def ground(tmp_path):
    return Ground(Domain("d", CORPUS, {"test": TEST}), lambda texts, kind: None, Cache(tmp_path), 0)


@pytest.mark.parametrize("spelling", ["Held out?", "held OUT", "  held   out ! "])
def test_no_evaluation_query_trains_in_any_spelling(tmp_path, spelling):
    found = gather({"x": Fixed([(spelling, "b"), ("another", "c")])}, ground(tmp_path))
    assert found.pairs["query"].to_list() == ["another"]
    assert found.rejected["x"].select("query", "reason").rows() == [(spelling, "evaluation query")]
    assert found.counts["x"]["evaluation query"] == 1


def test_a_source_with_nothing_left_says_what_took_it(tmp_path):
    with pytest.raises(InputError, match=r"data.sources.x leaves no pair.*1 were evaluation queries"):
        gather({"x": Fixed([("held out", "b")])}, ground(tmp_path))


def test_documents_a_source_brings_join_the_corpus_once(tmp_path):
    brought = Corpus(["c", "new"], ["C", "N"], ["three", "four"])
    found = gather(
        {"x": Fixed([("q", "new")], documents=brought), "y": Fixed([("r", "a")], documents=brought)}, ground(tmp_path)
    )
    assert list(found.domain.corpus.ids) == ["a", "b", "c", "new"]
    assert found.pairs["source"].to_list() == ["x", "y"]


def test_known_positives_are_those_of_training_not_of_evaluation(tmp_path):
    found = gather({"x": Fixed([("Some Query", "b")])}, ground(tmp_path))
    assert found.known.documents("some query.") == {"b"} and found.known.documents("held out") == set()


def test_own_negatives_stand_in_front_and_known_positives_among_them_do_not():
    mined = pl.DataFrame(
        {
            "query": ["q", "r"], "doc_id": ["a", "a"], "negatives": [["b", "c"], ["c"]],
            "scores": [[0.9, 0.8], [0.5]], "probabilities": [None, None], "ranks": [[2, 5], [None]],
            "miners": [["ann", "ann"], ["filled"]],
        },
        schema_overrides={
            "scores": pl.List(pl.Float32), "probabilities": pl.List(pl.Float32), "ranks": pl.List(pl.Int32),
        },
    )  # fmt: skip
    given = pl.DataFrame({"query": ["q", "q"], "doc_id": ["c", "a"]})
    found = with_given(mined, given, Known([("q", "a")]))
    assert found["negatives"].to_list() == [["c", "b"], ["c"]]
    assert found["scores"].to_list()[0] == [None, pytest.approx(0.9)]
    assert found["ranks"].to_list() == [[None, 2], [None]] and found.schema == mined.schema
    assert found["miners"].to_list() == [["given", "ann"], ["filled"]]


@pytest.mark.parametrize("temperatures, expected", [({"y": 0.2}, [np.nan, np.nan, 0.2]), ({}, None)])
def test_a_pair_takes_the_temperature_of_its_source(temperatures, expected):
    rows = pl.DataFrame({"query": ["q", "r"], "doc_id": ["a", "b"]})
    pairs = pl.concat([as_pairs(rows, "x"), as_pairs(rows[:1], "y")])
    mined = rows.with_columns(negatives=pl.lit([], pl.List(pl.String)))
    tokens = lambda texts, kind: Ragged.of([np.array([1]) for _ in texts])  # noqa: E731
    made = examples(pairs, mined, np.arange(3), CORPUS, Known([]), tokens, temperatures=temperatures)
    assert made.own_temperatures is expected or np.allclose(made.own_temperatures, expected, equal_nan=True)


def test_a_source_that_learns_from_others_is_read_after_them(tmp_path):
    seen = []

    class Learning(Fixed):
        after_others = True

        def read(self, name, ground):
            seen.append(None if ground.others is None else ground.others["query"].to_list())
            return super().read(name, ground)

    sources = {"a": Learning([("r", "a")]), "b": Learning([("s", "a")]), "x": Fixed([("q", "b"), ("held out", "c")])}
    found = gather(sources, ground(tmp_path))
    assert seen == [["q"], ["q"]] and found.pairs["query"].to_list() == ["q", "r", "s"]
    gather({"a": Learning([("r", "a")])}, ground(tmp_path))
    assert seen[-1] is None


def test_every_pair_gets_its_form_by_the_rules_in_force(tmp_path):
    own = Forms([{"form": "code", "pattern": "^a+$"}])
    found = gather({"x": Fixed([("aaa", "a"), ("what is this", "b")])}, replace(ground(tmp_path), form=own))
    assert found.pairs["query_form"].to_list() == ["code", "question"]
