"""Coverage: a budget goes where real queries are few and the base model fails."""

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.errors import InputError
from shoptalk.sources.forms import form
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.coverage import Targeted, Uniform, _capped

COUNT = 30
CORPUS = Corpus([f"d{k}" for k in range(COUNT)], [f"title {k}" for k in range(COUNT)], ["text"] * COUNT)
DEV = Judged(
    ["1", "2", "3"],
    ["what is nine", "nine", "seven"],
    {"1": {"d1": 1}, "2": {"d9": 1}, "3": {"d7": 1}},
)


def embed(texts, kind):
    """Keywords find their document, questions another."""
    place = {"what is nine": 0, "nine": 9, "seven": 7} | {text: row for row, text in enumerate(CORPUS.passages)}
    return np.eye(COUNT, dtype=np.float32)[[place[text] for text in texts]]


def ground(dev: bool = True, seed: int = 0) -> Ground:
    return Ground(Domain("toy", CORPUS, {"dev": DEV} if dev else {}), embed, Cache("unused"), seed)


def real(*rows: tuple[str, str]) -> pl.DataFrame:
    lines = [(query, doc_id, form(query)) for query, doc_id in rows]
    return pl.DataFrame(lines, schema=["query", "doc_id", "query_form"], orient="row")


ASKED = real(*((f"word {k}", "d1") for k in range(6)), ("how is it", "d2"), ("why not so", "d3"))


def test_uniform_takes_documents_by_hash_and_any_form():
    plans = [Uniform().plan(ground(seed=seed), ASKED, count, 2) for seed, count in ((0, 5), (0, 9), (1, 9))]
    assert set(plans[0].rows) < set(plans[1].rows) != set(plans[2].rows)
    assert plans[0].forms == [(None, None)] * 5 and list(plans[0].rows) == sorted(plans[0].rows)


def test_documents_without_a_real_query_come_first():
    few, most = (Targeted().plan(ground(), ASKED, count, 1) for count in (COUNT - 3, COUNT - 1))
    assert {1, 2, 3}.isdisjoint(few.rows) and len(few.rows) == COUNT - 3
    assert 1 not in most.rows and {2, 3} <= set(most.rows), "the document with most real queries is the last"
    assert "27 of 30 documents; 27 of the 27" in few.said[0]


def test_forms_follow_traffic_and_what_dev_lacks():
    """Keywords: 6 of 8 queries, nothing lacks. Questions: 2 of 8, all lacks; capped at three times their share."""
    share = Targeted().shares(ASKED, {"keyword": 0.0, "question": 1.0})
    assert share == {"question": 0.75, "keyword": 0.25}
    equal = Targeted(100).shares(ASKED, {"keyword": 0.5, "question": 0.5})
    assert equal == pytest.approx({"keyword": 0.5, "question": 0.5}), "share over pairs is the same for both"
    plan = Targeted().plan(ground(), ASKED, 20, 2)
    assert Counter(name for forms in plan.forms for name in forms) == {"question": 30, "keyword": 10}
    assert any(line.startswith("question: 25.0 % of 8 real queries, base nDCG@10 on dev 0.000") for line in plan.said)


def test_without_dev_forms_follow_real_queries_alone_and_without_those_nothing_is_targeted():
    assert Counter(f[0] for f in Targeted(100).plan(ground(dev=False), ASKED, 20, 1).forms) == {
        "keyword": 10,
        "question": 10,
    }
    plan = Targeted().plan(ground(), ASKED.clear(), 5, 1)
    assert plan.rows == Uniform().plan(ground(), ASKED, 5, 1).rows and "No real training query" in plan.said[0]


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 10), min_size=1), st.floats(1, 5))
def test_no_share_is_above_its_cap_and_all_is_given_out(gap, most):
    caps = {name: most / len(gap) for name in gap}
    share = _capped(gap, caps)
    assert sum(share.values()) == pytest.approx(1)
    assert all(share[name] <= caps[name] + 1e-9 for name in gap)


@pytest.mark.parametrize("most", [0.5, float("nan"), True, "x"])
def test_a_cap_below_the_share_itself_is_refused(most):
    with pytest.raises(InputError, match=r"coverage\.most"):
        Targeted(most)


@pytest.mark.parametrize("region", [0, True, 1.5, None])
def test_a_region_without_a_document_is_refused(region):
    with pytest.raises(InputError, match=r"coverage\.region"):
        Targeted(region=region)


def test_a_region_that_nobody_asks_about_is_written_for_first():
    """Documents 0 to 9 lie together and are asked for, as are two of the others: eighteen silent ones follow."""
    place = np.array([0] * 10 + [1] * 20)
    near = np.eye(2, dtype=np.float32)
    asked = real(*((f"word {k}", f"d{k}") for k in range(1, 12)))
    where = replace(ground(dev=False), embed=lambda texts, kind: near[place])
    assert set(Targeted(region=15).plan(where, asked, 16, 1).rows) <= set(range(12, COUNT))
    assert 0 in Targeted(region=1).plan(where, asked, 19, 1).rows, "each for itself, a silent document is like another"
    said = Targeted(region=15).plan(where, asked, 16, 1).said
    assert "title" in said[2] and "20 documents, 2 real queries, 16 to be written" in said[2]
