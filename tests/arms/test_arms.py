"""Retrievers under comparison, each against what it is made of."""

from contextlib import nullcontext

import numpy as np
import pytest
from tiny_models import bert, classifier, texts

from shoptalk.arms.base import Bench, Opened
from shoptalk.arms.bm25 import BM25Arm
from shoptalk.arms.encoder import EncoderArm
from shoptalk.arms.hybrid import Hybrid
from shoptalk.arms.reranked import Reranked
from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.models.cross_encoder import CrossEncoder
from shoptalk.models.loading import load_encoder
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.ranked import Ranked

DOCUMENTS, QUERIES = texts(40, longest=8, seed=3), texts(6, longest=4, seed=4)
CORPUS = Corpus([f"d{i}" for i in range(40)], [""] * 40, DOCUMENTS)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return bert(tmp_path_factory.mktemp("bert")), classifier(tmp_path_factory.mktemp("cross"))


@pytest.fixture
def bench(tmp_path):
    return Bench(CORPUS, Cache(tmp_path / "cache"), 1, lambda title: nullcontext(lambda done, of: None))


class Fixed:
    """An arm that always finds the same."""

    def __init__(self, name, rows):
        self.name, self.rows = name, np.array(rows)

    def open(self, bench):
        def search(queries, k):
            rows = np.full((len(queries), k), -1, np.int64)
            rows[:, : min(k, len(self.rows))] = self.rows[:k]
            return Ranked(rows, np.where(rows >= 0, -np.arange(k), -np.inf).astype(np.float32))

        return Opened(search, live=search)


def same(a, b):
    np.testing.assert_array_equal(a.rows, b.rows)
    np.testing.assert_allclose(a.scores, b.scores, rtol=1e-5)


def test_bm25_shares_its_index_with_runs_unless_it_is_set_otherwise(bench):
    opened = BM25Arm().open(bench)
    same(opened.search(QUERIES, 5), BM25(CORPUS.passages).search(QUERIES, 5))
    assert bench.cache.has("bm25", BM25.key(CORPUS.digest)) and opened.vectors is None
    plain = BM25Arm("plain", k1=0.5, stemmer=None).open(bench)
    same(plain.live(QUERIES, 5), BM25(CORPUS.passages, k1=0.5, stemmer=None).search(QUERIES, 5))


def test_an_encoder_is_searched_exactly_and_embeds_nothing_twice(bench, models, monkeypatch):
    encoder = load_encoder(models[0])
    scores = encoder.embed(QUERIES, "query") @ encoder.embed(DOCUMENTS, "document").T
    opened = EncoderArm("tiny", lambda: load_encoder(models[0])).open(bench)
    found = opened.search(QUERIES, 7)
    assert found.rows.tolist() == np.argsort(-scores, axis=1, kind="stable")[:, :7].tolist()
    assert opened.facts == {
        "parameters": sum(w.numel() for w in encoder.parameters()), "dimension": 32, "max_length": 48
    }  # fmt: skip
    same(found, opened.live(QUERIES, 7))
    assert isinstance(opened.vectors, np.memmap)
    monkeypatch.setattr(type(encoder), "embed_ids", lambda *_, **__: pytest.fail("embedded again"))
    same(found, EncoderArm("again", lambda: load_encoder(models[0])).open(bench).search(QUERIES, 7))


def test_an_encoder_that_cannot_be_had_is_named(bench, tmp_path):
    with pytest.raises(InputError, match=f"models=mine: {tmp_path}: holds no"):
        EncoderArm("mine", lambda: load_encoder(tmp_path)).open(bench)


def test_a_hybrid_asks_each_arm_as_deep_as_it_is_told(bench):
    one, two = Fixed("one", [4, 7, 9]), Fixed("two", [9, 1, 4])
    found = Hybrid([one, two], k=10).open(bench).search(["x"], 2)
    assert found.rows.tolist() == [[4, 9]] and found.scores[0, 0] == np.float32(1 / 11 + 1 / 13)
    deep, shallow = (Hybrid([Fixed("a", [9, 4]), Fixed("b", [7, 4])], depth=d).open(bench) for d in (2, 1))
    assert deep.search(["x"], 1).rows.tolist() == [[4]] and shallow.search(["x"], 1).rows.tolist() == [[7]]
    assert shallow.search(["x"], 2).rows.tolist() == [[4, 7]]  # two of each are asked, as two are wanted
    assert Hybrid([one, two]).name == "one+two" and Hybrid([one, two], name="both").name == "both"


def test_a_hybrid_of_real_arms_is_live_too(bench, models):
    both = Hybrid([BM25Arm(), EncoderArm("tiny", lambda: load_encoder(models[0]))]).open(bench)
    same(both.search(QUERIES, 9), both.live(QUERIES, 9))
    assert both.facts["parameters"] > 0 and both.vectors is None


def test_re_ranking_is_that_of_a_naive_loop_and_scores_nothing_twice(bench, models, monkeypatch):
    reader = CrossEncoder.load(str(models[1]))
    first = BM25Arm().open(bench).search(QUERIES, 6)
    opened = Reranked(BM25Arm(), str(models[1]), depth=4).open(bench)
    found = opened.search(QUERIES, 6)
    for query, line, rows in zip(QUERIES, found.rows, first.rows, strict=True):
        read = [row for row in rows[:4] if row >= 0]
        logits = {row: float(reader.score([query], [DOCUMENTS[row]])[0]) for row in read}
        assert line.tolist() == sorted(read, key=lambda row: -logits[row]) + rows[len(read) :].tolist()
    same(found, opened.live(QUERIES, 6))
    monkeypatch.setattr(CrossEncoder, "score", lambda *_, **__: pytest.fail("scored again"))
    same(found, Reranked(BM25Arm(), str(models[1]), depth=4).open(bench).search(QUERIES, 6))


def test_re_ranking_reads_as_deep_as_it_is_told_where_fewer_are_wanted(bench, models):
    arm = Reranked(Fixed("fixed", list(range(40))), str(models[1]), depth=40)
    logits = CrossEncoder.load(str(models[1])).score(["ka lo"] * 40, DOCUMENTS)
    assert arm.open(bench).search(["ka lo"], 1).rows.tolist() == [[int(np.argmax(logits))]]
    assert arm.name == f"fixed|{models[1].name}"


def test_what_is_no_cross_encoder_is_refused(bench, models):
    with pytest.raises(InputError, match="no cross-encoder"):
        Reranked(BM25Arm(), str(models[0])).open(bench)
    with pytest.raises(InputError, match=r"by.name=\./nowhere: there is no such folder"):
        Reranked(BM25Arm(), "./nowhere").open(bench)


@pytest.mark.parametrize("make", [lambda: Hybrid([BM25Arm()]), lambda: Hybrid([BM25Arm()] * 2, k=0),
                                  lambda: Hybrid([BM25Arm()] * 2, depth="x"),
                                  lambda: Reranked(BM25Arm(), "x", depth=0)])  # fmt: skip
def test_an_impossible_option_is_refused(make):
    with pytest.raises(InputError, match="models"):
        make()
