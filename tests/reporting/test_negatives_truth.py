import itertools

import polars as pl
import pytest
from mined_by_hand import corpus, mined, told
from scipy.stats import binomtest

from shoptalk.cache import Cache
from shoptalk.domain.judgments import Known
from shoptalk.domain.phenotypes import Phenotypes
from shoptalk.negatives.mined import Mine
from shoptalk.negatives.strategies import Bm25
from shoptalk.reporting.negatives import Negatives
from shoptalk.reporting.negatives_truth import Truth, false_negatives
from shoptalk.retrieval.bm25 import BM25
from shoptalk.sources.labels import LabelSource
from shoptalk.sources.pairs import Ground

BODY = ["hand", "foot", "skull", "liver", "skin", "heart", "tooth", "ear"]
CHANGE = ["absence", "growth", "ache", "swelling", "softness", "failure", "rash", "stiffness"]


def ann(*doc_ids):
    return [(doc_id, 0.5, None, rank, "ann") for rank, doc_id in enumerate(doc_ids)]


def rated(rows, truth, *sources):
    found = mined(rows)
    pairs = pl.concat(found.table[i : i + 1].select("query", "doc_id", source=pl.lit(s)) for i, s in enumerate(sources))
    return Negatives.of(found, pairs, corpus(), truth, 0, {}).false_negatives


def test_simulated_clicks_are_judged_by_what_their_searchers_wanted():
    truth = Truth(asked={"sore knee": {"d1"}}, simulated=["clicks"])
    rows = [("Sore  knee?", "d0", ann("d1", "d2", "d3")), ("unheard", "d4", ann("d1"))]
    found = rated(rows, truth, "clicks", "clicks")
    assert (found["n"], found["relevant"]) == (3, 1), "a query nobody asked is not judged"


def test_a_wrong_click_does_not_make_the_other_half_of_its_document_relevant():
    truth = Truth(asked={"q": {"d1"}}, unrecorded={"d0": "d5", "d1": "d6"}, simulated=["clicks"])
    found = rated([("q", "d0", ann("d5", "d6"))], truth, "clicks")
    assert (found["n"], found["relevant"]) == (2, 1)


def test_the_other_half_answers_what_was_judged_or_written():
    truth = Truth(unrecorded={"d0": "d5"}, simulated=["clicks"])
    rows = [("a", "d0", ann("d5", "d2")), ("b", "d0", ann("d5")), ("c", "d3", ann("d5")), ("d", "d0", ann("d5"))]
    found = rated(rows, truth, "labels", "synthetic", "labels", "clicks")
    assert (found["n"], found["relevant"]) == (4, 2)
    assert {name: (part["n"], part["relevant"]) for name, part in found["by_source"].items()} == {
        "labels": (3, 1),
        "synthetic": (1, 1),
    }


def test_nothing_is_claimed_where_nothing_is_hidden():
    assert rated([("a", "d0", ann("d5", "d2"))], Truth(), "labels") is None


def test_only_what_was_mined_counts_and_the_rest_is_told_apart():
    negatives = [("d5", None, None, None, miner) for miner in ("random", "filled", "given")]
    found = told(mined([("a", "d0", [*negatives, *ann("d2")])]), Truth(unrecorded={"d0": "d5"})).false_negatives
    assert (found["n"], found["relevant"]) == (1, 0)
    assert {name: part["relevant"] for name, part in found["by_miner"].items()} == {
        "random": 1, "filled": 1, "given": 1, "ann": 0,
    }  # fmt: skip
    only = told(mined([("a", "d0", negatives)]), Truth(unrecorded={"d0": "d5"})).false_negatives
    assert (only["n"], only["rate"], only["ci95"]) == (0, None, None)


@pytest.mark.parametrize(("n", "hits"), [(1, 0), (1, 1), (20, 3), (400, 5)])
def test_the_interval_is_wilsons(n, hits):
    judged = pl.DataFrame({"miner": ["ann"] * n, "sources": [["a"]] * n, "relevant": [i < hits for i in range(n)]})
    exact = binomtest(hits, n).proportion_ci(method="wilson")
    found = false_negatives(judged)
    assert found["rate"] == hits / n and found["ci95"] == pytest.approx([exact.low, exact.high], abs=1e-6)


def test_the_truth_is_read_in_any_spelling(tmp_path):
    pl.DataFrame({"query": ["Sore Knee!", "sore knee"], "doc_id": ["d1", "d2"]}).write_parquet(tmp_path / "t.parquet")
    truth = Truth.read(tmp_path / "t.parquet", {}, ["clicks"])
    assert truth.answers("sore  knee", "d0", ["clicks"]) == {"d1", "d2"}
    assert Truth.read(None, {}, []).answers("sore knee", "d0", ["labels"]) is None


def terms() -> str:
    """An ontology of 64 terms, each with a definition and two synonyms that share words with both."""
    stanzas = ["format-version: 1.2\n"]
    for number, (part, change) in enumerate(itertools.product(BODY, CHANGE)):
        lines = [
            f"[Term]\nid: IN:{number:04d}\nname: {change} of the {part}",
            f'def: "A {part} that shows {change} n{number}." []',
            f'synonym: "{part} {change} n{number}" EXACT []',
            f'synonym: "case {number} with {change} at the {part}" EXACT layperson []',
        ]
        stanzas.append("\n".join([*lines, ""]))
    return "\n".join(stanzas)


def test_the_rate_of_a_split_domain_is_that_of_its_terms(tmp_path):
    cache = Cache(tmp_path / "cache")
    (tmp_path / "terms.obo").write_text(terms())
    sizes = {"test": 8, "dev": 4, "calibration": 4, "audit": 0, "train": 40}
    domain = Phenotypes(split_documents=True, sizes=sizes, obo=str(tmp_path / "terms.obo")).load(cache)
    pairs = LabelSource().read("labels", Ground(domain, None, cache, 0)).pairs
    known = Known.of(domain, pairs.select("query", "doc_id").iter_rows())
    bm25 = BM25(domain.corpus.passages)
    found = Bm25(high=10, keep=3).mine(Mine(pairs, domain.corpus, known, bm25, bm25, 0, cache))
    rate = Negatives.of(found, pairs, domain.corpus, Truth(unrecorded=domain.unrecorded), 0, {}).false_negatives
    rows = [(r["doc_id"], d) for r in found.table.iter_rows(named=True) for d in r["negatives"]]
    same = sum(one.split("#")[0] == other.split("#")[0] for one, other in rows)
    assert (rate["n"], rate["relevant"]) == (len(rows), same)
    assert 0.05 < rate["rate"] < 0.5 and rate["ci95"][0] < rate["rate"] < rate["ci95"][1]
