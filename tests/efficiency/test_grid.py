"""Forms of an arm: their names, what they find, what they are made of."""

import numpy as np
import pytest
from efficiency import naive
from efficiency.benches import QUERIES, bench, dense, lexical, tiny

from shoptalk.efficiency import model_precision
from shoptalk.efficiency.grid import grid
from shoptalk.efficiency.options import Efficiency
from shoptalk.efficiency.served import Served
from shoptalk.models.static import StaticEncoder
from shoptalk.retrieval.dense import search


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    over = bench(folder)
    encoder = tiny(folder / "model")
    return over, encoder, dense(encoder, over)


def test_names_and_facts(world):
    over, _, opened = world
    options = Efficiency(dimensions=[16, 8, 16, 64], index_precisions=["int8", "binary"])
    found = dict(grid("tiny", opened, over, options))
    assert list(found) == [
        "tiny",
        "tiny/int8",
        "tiny/binary",
        "tiny@16/int8",
        "tiny@16/binary",
        "tiny@8/int8",
        "tiny@8/binary",
    ]
    assert found["tiny@8/int8"].facts == {
        "parameters": 1,
        "dimension": 8,
        "index_precision": "int8",
        "model_precision": model_precision.own_precision(opened.encoder),
    }
    assert found["tiny"].notices == ["told", "tiny has 32 dimensions; efficiency.dimensions=64 is left out."]
    assert found["tiny"].search is opened.search and found["tiny"].vectors is opened.vectors
    assert all(form.vectors is None and not form.notices for name, form in found.items() if name != "tiny")


def test_a_cut_form_finds_what_a_naive_cut_finds(world):
    over, encoder, opened = world
    forms = dict(grid("tiny", opened, over, Efficiency(dimensions=[16])))
    asked = naive.cut(encoder.embed(QUERIES, "query"), 16)
    truth = naive.best(asked @ naive.cut(np.asarray(opened.vectors), 16).T, 7)
    for found in (forms["tiny@16"].search(QUERIES, 7), forms["tiny@16"].live(QUERIES, 7)):
        np.testing.assert_allclose(found.scores, truth.scores, atol=1e-5)
        assert (found.rows == truth.rows).mean() > 0.95


def test_the_arm_itself_is_timed_over_the_same_search(world):
    over, _, opened = world
    whole = dict(grid("tiny", opened, over, Efficiency()))["tiny"]
    assert isinstance(whole.live, Served)
    one, two = opened.search(QUERIES, 10), whole.live(QUERIES, 10)
    assert (one.rows == two.rows).all() and np.allclose(one.scores, two.scores, atol=1e-6)


def test_a_model_in_another_precision_embeds_both_sides(world):
    over, encoder, opened = world
    other = {"fp32": "bf16", "bf16": "fp32"}[model_precision.own_precision(encoder)]
    options = Efficiency(model_precisions=["auto", other, "auto"], index_precisions=["fp32", "int4"])
    found = dict(grid("tiny", opened, over, options))
    assert list(found) == ["tiny", "tiny/int4", f"tiny:{other}", f"tiny:{other}/int4"]
    documents, queries = (
        encoder.embed(t, k, precision=other) for t, k in ((over.corpus.passages, "document"), (QUERIES, "query"))
    )
    truth, given = search(queries, documents, 10), found[f"tiny:{other}"].live(QUERIES, 10)
    assert (truth.rows == given.rows).mean() > 0.95
    np.testing.assert_allclose(truth.scores, given.scores, atol=2e-3)
    assert found[f"tiny:{other}"].facts["model_precision"] == other


def test_what_is_no_transformer_stays_as_it_is(world):
    over, encoder, _ = world
    static = dense(StaticEncoder.distil(encoder), over)
    found = dict(grid("static", static, over, Efficiency(model_precisions=["auto", "bf16"], dimensions=[8])))
    assert list(found) == ["static", "static@8"]
    assert found["static"].notices[1:] == [
        "static is no transformer read here and stays in its own precision, not bf16."
    ]


def test_what_has_no_vectors_has_no_forms(world):
    over, _, _ = world
    [(name, found)] = grid("bm25", lexical(over), over, Efficiency(dimensions=[8], index_precisions=["int8"]))
    assert name == "bm25" and found.encoder is None


def test_all_that_this_machine_has_is_told(world, monkeypatch):
    over, _, opened = world
    monkeypatch.setattr(model_precision, "preferred_precision", lambda device=None: "fp32")
    monkeypatch.setattr(model_precision, "ONNX_PACKAGES", ("no_such_package",))
    [(_, whole)] = grid("tiny", opened, over, Efficiency(model_precisions=None))
    assert [notice.split(":")[0] for notice in whole.notices[1:]] == ["bf16 is left out", "onnx-int8 is left out"]
