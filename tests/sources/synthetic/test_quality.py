"""Figures of synthetic queries against naive loops and against worlds whose answer is known."""

import json
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.special import rel_entr

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.reporting import synthetic_report
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.generators import RulesGenerator
from shoptalk.sources.synthetic.quality import (
    distinct,
    divergence,
    jargon_recall,
    quality,
    self_similarity,
    told_apart,
)
from shoptalk.sources.synthetic.source import SyntheticSource


def unit(vectors) -> np.ndarray:
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def embed(texts, kind):
    return unit([np.random.default_rng(list(text.encode())).normal(size=8) for text in texts])


def test_distinct_n_counts_runs():
    assert distinct(["a b", "a b c"], 1) == 3 / 5 and distinct(["A b", "a b c"], 2) == 2 / 3
    assert distinct(["a"], 2) == 0


def test_self_similarity_is_the_mean_over_all_pairs():
    vectors = unit(np.random.default_rng(0).normal(size=(9, 5)))
    assert self_similarity(vectors) == pytest.approx(np.mean([a @ b for a, b in combinations(vectors, 2)]), abs=1e-6)


def test_divergence_is_that_of_jensen_and_shannon():
    own, other = {"a": 0.5, "b": 0.5}, {"b": 0.25, "c": 0.75}
    first, second = np.array([0.5, 0.5, 0]), np.array([0, 0.25, 0.75])
    middle = (first + second) / 2
    expected = (rel_entr(first, middle).sum() + rel_entr(second, middle).sum()) / 2 / np.log(2)
    assert divergence(own, other) == pytest.approx(expected)
    assert divergence(own, own) == 0 and divergence({"a": 1.0}, {"b": 1.0}) == pytest.approx(1)


def test_a_classifier_tells_apart_what_differs_and_nothing_else():
    random = np.random.default_rng(1)
    cloud = lambda shift: unit(random.normal(size=(400, 6)) + np.array([shift, 0, 0, 0, 0, 0]))  # noqa: E731
    assert told_apart(cloud(0), cloud(4)) > 0.95
    assert 0.42 < told_apart(cloud(1), cloud(1)) < 0.58, "a fair coin over 800 lies within .05 of a half"
    assert np.isnan(told_apart(cloud(0)[:9], cloud(0)))


def test_jargon_is_rare_and_weighs_by_use():
    corpus = Corpus([str(k) for k in range(200)], ["common word"] * 199 + ["rareword"], [""] * 200)
    real = ["rareword common", "rareword", "novelword", "common"]
    assert jargon_recall(["the rareword"], real, corpus) == 2 / 3
    assert np.isnan(jargon_recall(["x"], ["common"], corpus))


def test_a_source_tells_its_quality_and_the_report_shows_it():
    count = 40
    titles = [f"Loud <b>{word}</b> horn {k}" for k, word in enumerate(["red", "blue"] * (count // 2))]
    corpus = Corpus([f"d{k}" for k in range(count)], titles, ["A horn that is blown at sea."] * count)
    train = Judged(["1", "2"], ["sea horn", "what is a horn"], {"1": {"d0": 1}, "2": {"d1": 1}})
    ground = Ground(Domain("toy", corpus, {"train": train}), embed, Cache("unused"), 0)
    source = SyntheticSource(RulesGenerator({"mixed": 1, "asked": 1}), None, 2)
    told = source.read("synthetic", ground).quality()
    assert told["kept"] + sum(told["rejected"].values()) == told["read"]
    assert sum(told["forms"].values()) == pytest.approx(1) and told["real"]["queries"] == 2
    assert told["corpus_coverage"] == told["documents"] / count
    assert json.loads(json.dumps(told)).keys() == told.keys()
    page = str(
        synthetic_report.section(
            {"synthetic": told}, {name: name for name in synthetic_report.figures({"synthetic": told})}
        )
    )
    assert "told apart" in page and "lengths synthetic" in page and "<b>" not in page
    assert "No real training query" in str(synthetic_report.section({"s": {**told, "real": {}}}, {}))
    assert str(synthetic_report.section({}, {})) == ""


def test_without_real_queries_nothing_is_compared():
    table = pl.DataFrame({"query": ["a b", "c"], "doc_id": ["x", "x"], "query_form": ["keyword"] * 2})
    rejected = pl.DataFrame({"query": [""], "doc_id": ["x"], "reason": ["the document is empty"]})
    told = quality(table, rejected, table.clear(), Corpus(["x", "y"], ["t", "u"], ["", ""]), embed)
    assert "real" not in told and told["corpus_coverage"] == 0.5 and told["rejected"] == {"the document is empty": 1}
