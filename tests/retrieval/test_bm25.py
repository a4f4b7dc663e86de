import math
import os
import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.cache import Cache
from shoptalk.errors import InputError
from shoptalk.retrieval import bm25
from shoptalk.retrieval.bm25 import BM25


def formula(query, passages, k1, b):
    """BM25 in Lucene's form, written out."""
    documents = [re.findall(r"\w+", p.lower()) for p in passages]
    average = sum(map(len, documents)) / len(documents)
    scores = []
    for words in documents:
        counts, total = Counter(words), 0.0
        for word in re.findall(r"\w+", query.lower()):
            holding = sum(word in d for d in documents)
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            total += idf * counts[word] / (counts[word] + k1 * (1 - b + b * len(words) / average))
        scores.append(total)
    return np.array(scores)


texts = st.lists(st.sampled_from(["a", "b", "C", "dd", "4"]), max_size=6).map(" ".join)


@given(st.lists(texts, min_size=1, max_size=8), st.lists(texts, min_size=1, max_size=4), st.integers(1, 10))
@settings(max_examples=80, deadline=None)
def test_scores_follow_the_formula_and_ranks_follow_the_scores(passages, queries, k):
    if not any(p.strip() for p in passages):
        return
    index = BM25(passages, k1=1.4, b=0.6, stemmer=None)
    found = index.search(queries, k)
    every = index.score(queries, np.tile(np.arange(len(passages)), (len(queries), 1)))
    for i, query in enumerate(queries):
        np.testing.assert_allclose(every[i], formula(query, passages, 1.4, 0.6), atol=1e-5)
        order = sorted((r for r in range(len(passages)) if every[i, r] > 0), key=lambda r: (-every[i, r], r))[:k]
        assert found.rows[i].tolist() == order + [-1] * (k - len(order))
        assert found.scores[i, len(order) :].tolist() == [-math.inf] * (k - len(order))


def test_a_query_without_a_known_word_finds_nothing():
    index = BM25(["a cat", "a dog", ""])
    for query in ("zebra", "", "?!"):
        assert index.search([query], 2).rows.tolist() == [[-1, -1]]


def test_nothing_depends_on_how_much_is_worked_on_at_once(monkeypatch):
    passages = [f"cat {i % 7} dog {'x ' * (i % 5)}" for i in range(50)]
    queries = [f"dog {i} x" for i in range(9)]
    whole = BM25(passages).search(queries, 6)
    monkeypatch.setattr(bm25, "_AT_ONCE", 3)
    monkeypatch.setattr(bm25, "_DENSE", 100)
    parts = BM25(passages).search(queries, 6)
    assert np.array_equal(parts.rows, whole.rows) and np.array_equal(parts.scores, whole.scores)


def test_equal_scores_are_ordered_by_corpus_row():
    assert BM25(["cat x", "dog", "cat y", "cat z"]).search(["cat"], 2).rows.tolist() == [[0, 2]]


def test_single_characters_and_stems_count():
    index = BM25(["type 1 finding", "type 2 findings"])
    assert index.search(["type 2"], 1).rows.tolist() == [[1]]
    assert (index.search(["findings"], 2).rows >= 0).all()
    assert BM25(["finding"], stemmer=None).search(["findings"], 1).rows.tolist() == [[-1]]


def test_threads_change_nothing():
    rng = np.random.default_rng(0)
    passages = [" ".join(f"w{w}" for w in rng.integers(0, 40, 8)) for _ in range(300)]
    one, two = (BM25(passages, threads=t).search(passages, 7) for t in (1, 2))
    assert (one.rows == two.rows).all()
    assert (one.scores == two.scores).all()


def test_the_cached_index_is_built_once_and_finds_the_same(tmp_path):
    passages = ["the black dog", "a cat", "dogs and cats"]
    fresh = BM25(passages)
    made = BM25.cached(Cache(tmp_path), passages, "content")
    again = BM25.cached(Cache(tmp_path), ["something else"], "content")
    for index in (made, again):
        found = index.search(["dog cat", "black"], 3)
        assert (found.rows == fresh.search(["dog cat", "black"], 3).rows).all()
    assert BM25.cached(Cache(tmp_path), passages, "content", stemmer=None).stemmer is None


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: BM25(["", "?"]), "finds no word in any document"),
        (lambda: BM25(["a"], k1=-1), "k1 >= 0"),
        (lambda: BM25(["a"], b=1.5), r"b in \[0, 1\]"),
        (lambda: BM25(["a"], stemmer="klingon"), "no stemmer 'klingon'"),
    ],
)
def test_bad_settings_say_so(build, sentence):
    with pytest.raises(InputError, match=sentence):
        build()


@pytest.mark.parametrize(
    "work",
    [
        "from shoptalk.retrieval.bm25 import BM25; BM25(['one word', 'another'])(['word'], 1)",
        "import jax.lax\nfrom shoptalk.retrieval.bm25 import BM25; BM25(['one word', 'another'])(['word'], 1)",
        "from shoptalk.sources.synthetic.filters import foreign; assert foreign._function_words()",
    ],
    ids=["index", "after others", "function words"],
)
def test_jax_stays_asleep(tmp_path, work):
    """bm25s runs it while it is imported, and it takes most of a GPU's memory."""
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text("")
    (tmp_path / "jax" / "lax.py").write_text("def top_k(*_): raise SystemExit('JAX is awake')\n")
    script = f"{work}\nimport sys; assert 'bm25s' in sys.modules\nimport jax; print(jax.__file__)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(tmp_path / "jax" / "__init__.py"), "whoever wants JAX still gets it"
