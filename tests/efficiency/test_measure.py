"""What is measured, of which arms; memory in a process of its own."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from efficiency.benches import QUERIES, bench, dense, lexical, tiny

from shoptalk.arms.base import Opened
from shoptalk.efficiency import measure as measuring
from shoptalk.efficiency import model_precision
from shoptalk.efficiency.cost import Cost
from shoptalk.efficiency.grid import grid
from shoptalk.efficiency.index_precision import compressed
from shoptalk.efficiency.measure import Measure, parts_of
from shoptalk.efficiency.options import Efficiency
from shoptalk.efficiency.resident import Resident, Unmeasured, resident
from shoptalk.efficiency.served import Served, keep, restore
from shoptalk.models.held import Held
from shoptalk.models.static import StaticEncoder
from shoptalk.retrieval.bm25 import BM25

OPTIONS = Efficiency(queries=5, rounds=2, documents=20, dimensions=[8], index_precisions=["int8"])


@pytest.fixture(scope="module")
def over(tmp_path_factory):
    return bench(tmp_path_factory.mktemp("over"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture
def held(monkeypatch):
    """What would be handed to another process; memory is as many MB as it has parts."""
    seen = []

    def told(parts, queries, k, threads):
        seen.append((parts, queries, k, threads))
        return Resident(1_000_000, 10_000_000 * len(parts), 20_000_000)

    monkeypatch.setattr(measuring, "resident", told)
    return seen


def test_every_figure_of_a_dense_arm(over, encoder, held):
    measure = Measure(QUERIES, over, OPTIONS)
    costs = {name: measure(form) for name, form in grid("tiny", dense(encoder, over), over, OPTIONS)}
    assert list(costs) == ["tiny", "tiny/int8", "tiny@8/int8"]
    for cost in costs.values():
        assert 0 < cost.p50_ms <= cost.p95_ms and cost.documents_per_s > 0 and not cost.notices
        assert (cost.memory_mb, cost.peak_mb, cost.libraries_mb) == (10.0, 20.0, 1.0)
    sizes = [(cost.dimension, cost.index_precision, cost.index_bytes) for cost in costs.values()]
    m = len(over.corpus)
    assert sizes == [(32, "fp32", 4 * 32 * m), (32, "int8", 32 * m + 8 * 32), (8, "int8", 8 * m + 8 * 8)]
    assert costs["tiny"].index_mb_per_1m == 4 * 32
    assert len({cost.documents_per_s for cost in costs.values()}) == 1  # one model, measured once
    assert costs["tiny"].told()["notices"] == [] and len(held[0][1]) == 5 and held[0][2:] == (10, 1)


def test_a_dense_arm_as_it_was_opened_is_measured_too(over, encoder, held):
    cost = Measure(QUERIES, over, OPTIONS)(dense(encoder, over))
    assert cost.p50_ms > 0 and (cost.dimension, cost.index_precision) == (32, "fp32")
    assert isinstance(held[0][0][0], Served)


def test_bm25_is_its_arrays(over, held):
    opened = lexical(over)
    cost = Measure(QUERIES, over, OPTIONS)(opened)
    scores = opened.search._scores
    assert cost.index_bytes == scores.data.nbytes + scores.indices.nbytes + scores.indptr.nbytes > 0
    assert cost.documents_per_s > 0 and cost.dimension is None and cost.memory_mb == 10.0


def test_an_arm_of_others_is_all_of_them(over, encoder, held, monkeypatch):
    speeds = iter([100.0, 25.0, 100.0, 25.0])
    monkeypatch.setattr(measuring, "per_second", lambda work, texts: next(speeds))
    one, two = lexical(over), dense(encoder, over)
    both = Opened(one.search, live=one.live, parts=[one, replace(two, parts=()), encoder])
    measure = Measure(QUERIES, over, OPTIONS)
    cost, alone, other = measure(both), measure(one), measure(two)
    assert (cost.documents_per_s, alone.documents_per_s, other.documents_per_s) == (20.0, 100.0, 25.0)
    assert [type(part) for part in parts_of(both)] == [BM25, Served, type(encoder)]
    assert cost.index_bytes == alone.index_bytes + other.index_bytes and cost.memory_mb == 30.0


def test_what_costs_money_is_not_timed(over, encoder, held):
    paid = replace(dense(encoder, over), live=None)
    forms = dict(grid("api", paid, over, OPTIONS))
    for form in forms.values():
        cost = Measure(QUERIES, over, OPTIONS)(form)
        assert cost.p50_ms is None and cost.documents_per_s is None and cost.index_bytes > 0
        assert "costs money" in cost.notices[0]


def test_what_hides_what_it_is_made_of_has_no_memory(over):
    search = lexical(over).search
    cost = Measure(QUERIES, over, OPTIONS)(Opened(lambda q, k: search(q, k), live=lambda q, k: search(q, k)))
    assert cost.p50_ms > 0 and cost.memory_mb is None and cost.index_bytes is None
    assert cost.notices == ["Its memory is not measured: it does not say what it is made of."]


def test_nothing_is_measured_unless_asked(over):
    assert Measure(QUERIES, over, replace(OPTIONS, queries=0))(lexical(over)) == Cost()


def test_a_model_elsewhere_cannot_be_handed_over(over, encoder):
    class Far:
        embed = staticmethod(encoder.embed)

    part = Served(Far(), compressed(np.eye(32, dtype=np.float32), 32, "fp32"), "fp32")
    with pytest.raises(Unmeasured, match="its model is not in this process"):
        resident([part], QUERIES, 3, 1)
    with pytest.raises(Unmeasured, match="a Far cannot be handed to another process"):
        resident([Far()], QUERIES, 3, 1)


@pytest.mark.parametrize("make", [partial(Held, precision="fp32"), StaticEncoder.distil])
@pytest.mark.parametrize("precision", ["fp32", "int8", "binary+int8"])
def test_another_process_reads_what_this_one_kept(over, encoder, tmp_path, make, precision):
    embedder = make(encoder)
    codes = compressed(embedder.embed(over.corpus.passages, "document"), 16, precision)
    served = Served(embedder, codes, "fp32")
    keep(served, tmp_path)
    again = restore(tmp_path, 1)()
    one, two = served(QUERIES, 10), again(QUERIES, 10)
    assert (one.rows == two.rows).all() and np.allclose(one.scores, two.scores, atol=1e-6)


@pytest.mark.slow
def test_a_larger_index_takes_more_memory(encoder):
    static, rng = StaticEncoder.distil(encoder), np.random.default_rng(0)

    def of(documents: int) -> Resident:
        vectors = rng.normal(size=(documents, 32)).astype(np.float32)
        return resident([Served(static, compressed(vectors, 32, "fp32"), "fp32")], QUERIES, 3, 1)

    small, large = of(100), of(500_100)
    assert 0 < small.libraries < small.steady <= small.peak
    assert large.steady - small.steady == pytest.approx(4 * 32 * 500_000, rel=0.25)


@pytest.mark.slow
def test_an_arm_of_two_takes_the_memory_of_both(over, encoder):
    static = StaticEncoder.distil(encoder)
    parts = [lexical(over).live, Served(static, compressed(np.eye(32, dtype=np.float32), 32, "fp32"), "fp32")]
    both = resident(parts, QUERIES, 3, 1)
    assert both.steady >= both.libraries > 0


@pytest.mark.slow
def test_an_exported_model_is_served_without_torch(over, encoder):
    for package in model_precision.ONNX_PACKAGES:
        pytest.importorskip(package)
    options = Efficiency(queries=3, model_precisions=["auto", "onnx-int8"], documents=10, rounds=1)
    forms = dict(grid("tiny", dense(encoder, over), over, options))
    costs = {name: Measure(QUERIES, over, options)(form) for name, form in forms.items()}
    assert list(costs) == ["tiny", "tiny:onnx-int8"] and costs["tiny:onnx-int8"].model_precision == "onnx-int8"
    assert costs["tiny:onnx-int8"].memory_mb < costs["tiny"].libraries_mb
    found, truth = (forms[name].live(QUERIES, 10).rows for name in ("tiny:onnx-int8", "tiny"))
    assert np.mean([len({*a} & {*b}) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)]) > 0.8


@pytest.mark.slow
def test_a_process_that_fails_is_told(encoder):
    # Its index has more dimensions than its model.
    part = Served(StaticEncoder.distil(encoder), compressed(np.eye(64, dtype=np.float32), 64, "fp32"), "fp32")
    with pytest.raises(Unmeasured, match=r"the process that was to hold it ended with code 1 \("):
        resident([part], QUERIES, 3, 1)
