"""Queries judged by retrieval and by a cross-encoder."""

from dataclasses import replace

import numpy as np
import pytest
import tiny_models
from toy_ground import toy, written

from shoptalk.errors import InputError
from shoptalk.models.cross_encoder import CrossEncoder
from shoptalk.sources.forms import Forms, form
from shoptalk.sources.synthetic import filters


def vectors(queries: dict[str, np.ndarray], documents: np.ndarray):
    """An embed that knows each query's vector, and the documents in their order."""
    return lambda texts, kind: documents if kind == "document" else np.array([queries[text] for text in texts])


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
def test_round_trip_and_near_ties_are_those_of_a_full_matrix(seed):
    draw = np.random.default_rng(seed)
    documents, queries = unit(draw.normal(size=(60, 4))), unit(draw.normal(size=(90, 4)))
    documents[30:40] = documents[:10]  # copies
    own = draw.integers(0, 60, 90)
    shapes = ["how is it done {0}", "valve {0}", "HP:{0}", "AD{1}H{2}"]
    asked = [shapes[i % 4].format(i, chr(65 + i % 26), chr(65 + i // 26)) for i in range(90)]
    assert {form(q) for q in asked} == {"question", "keyword", "identifier", "abbreviation"}
    table = written(*zip(map(int, own), asked, strict=True))
    ground = toy([("t", str(i)) for i in range(60)], vectors(dict(zip(asked, queries, strict=True)), documents))
    scores = queries.astype(np.float64) @ documents.T.astype(np.float64)
    better = (scores > scores[np.arange(90), own][:, None] + 1e-9).sum(axis=1)
    depths = {"question": 2, "identifier": 40, "abbreviation": None}
    depth = np.array([depths.get(form(q), 9) or np.inf for q in table["query"]])
    judge = filters.RoundTrip(9, depths)
    assert judge.drops(table, ground).tolist() == (better >= depth).tolist()
    tied = (scores >= scores.max(axis=1)[:, None] - 0.1).sum(axis=1) >= 5
    assert filters.NearTied(5, 0.1).drops(table, ground).tolist() == tied.tolist() and 0 < tied.sum() < 90


def test_ties_with_the_own_document_do_not_count_and_a_small_corpus_drops_nothing():
    same = unit([[1, 0], [1, 0], [1, 0], [0, 1]])
    ground = toy([("t", str(i)) for i in range(4)], vectors({"valve": same[0]}, same))
    table = written((2, "valve"), (3, "valve"))
    assert filters.RoundTrip(1).drops(table, ground).tolist() == [False, True]
    assert filters.RoundTrip(4).drops(table, ground).tolist() == [False, False]
    assert filters.RoundTrip(1, {"keyword": None}).drops(table, ground).tolist() == [False, False]
    assert filters.NearTied(3, 0.0).drops(table, ground).tolist() == [True, True]
    assert filters.NearTied(5, 2.0).drops(table, ground).tolist() == [False, False]


def test_a_cross_encoder_drops_below_its_threshold_and_is_asked_once(tmp_path, monkeypatch):
    name = str(tiny_models.classifier(tmp_path / "model"))
    documents = [(text, "") for text in tiny_models.texts(6, 8)]
    table = written(*((i % 6, q) for i, q in enumerate(tiny_models.texts(12, 4, seed=1))))
    passages = [documents[row][0] for row in table["row"]]
    scores = CrossEncoder.load(name).score(table["query"].to_list(), passages)
    threshold = float(np.median(scores))
    ground = toy(documents, cache=str(tmp_path / "cache"))
    for _ in range(2):
        dropped = filters.CrossEncoder(name, threshold).drops(table, ground)
        assert dropped.tolist() == (scores < threshold).tolist() and dropped.sum() == 6
        monkeypatch.setattr(CrossEncoder, "score", None)
    assert filters.CrossEncoder("/no/model").drops(table.clear(), ground).shape == (0,)
    with pytest.raises(InputError, match=r"filters\.cross_encoder\.name=/no/model: there is no such folder"):
        filters.CrossEncoder("/no/model").drops(table, ground)


def test_depths_are_of_forms_in_force():
    there = vectors({"AB-12": unit([[1, 0]])[0]}, unit([[0, 1], [1, 0]]))
    ground, table = toy([("t", "x"), ("u", "y")], there), written((0, "AB-12"))
    spared = filters.RoundTrip(1, {"part number": None})
    with pytest.raises(InputError, match=r"round_trip\.depths\.part number is no form; the forms are keyword, "):
        spared.drops(table, ground)
    own = Forms([{"form": "part number", "pattern": r"^[A-Z]+-\d+$"}])
    assert filters.RoundTrip(1).drops(table, ground).all()
    assert not filters.RoundTrip(None).drops(table, ground).any()
    assert filters.RoundTrip(None, {"identifier": 1}).drops(table, ground).all()
    assert not spared.drops(table, replace(ground, form=own)).any()
