"""Near-duplicates across documents, as a naive loop finds them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_ground import toy, written

from shoptalk.domain.text import normalise
from shoptalk.sources.synthetic import filters
from shoptalk.sources.synthetic.filters.base import grams
from shoptalk.sources.synthetic.filters.duplicates import _bands
from shoptalk.sources.synthetic.phrases import subjects

TWINS = [
    ("Missing 4th finger", "The 4th finger is absent."),
    ("Missing 5th finger", "The 5th finger is absent."),
    ("Missing toe", "A toe is absent."),
]


def test_what_tells_documents_apart_keeps_a_query():
    judge, ground = filters.AcrossDocuments(0.75), toy(TWINS)
    both = written((0, "absence of the 4th finger"), (1, "absence of the 5th finger"))
    assert judge.drops(both, ground).tolist() == [False, False]
    one = written((0, "absence of the finger"), (1, "absence of the 5th finger"))
    assert judge.drops(one, ground).tolist() == [True, False]
    none = written((0, "absence of a digit"), (1, "absence of a digit."), (2, "lacks a toe"))
    assert judge.drops(none, ground).tolist() == [True, True, False]
    same = written((0, "absence of a digit"), (0, "absence of a digit."))
    assert judge.drops(same, ground).tolist() == [False, False]
    types = written((0, "digit absent, type I"), (1, "digit absent, type II"), (2, "digit absent, type"))
    assert judge.drops(types, ground).tolist() == [False, False, True]
    copies = toy([TWINS[0], TWINS[0]])
    assert judge.drops(none.head(2), copies).tolist() == [False, False]


def naive_across(rows: pl.DataFrame, documents: list[tuple[str, str]], similarity: float) -> list[bool]:
    passages = [f"{title} {text}".strip() for title, text in documents]
    held = [set(subjects(passage)) for passage in passages]
    seen = [(row, grams(normalise(query)), set(subjects(query))) for row, query in rows.iter_rows()]

    def ambiguous(one, other) -> bool:
        (row, own, said), (other_row, theirs, other_said) = one, other
        own_words = (held[row] - held[other_row]) | {"4th", "5th"}
        telling = (said - other_said) & own_words
        near = len(own & theirs) / len(own | theirs) >= similarity
        return passages[row] != passages[other_row] and near and not telling

    return [any(ambiguous(one, other) for other in seen) for one in seen]


names = st.lists(st.sampled_from(["missing", "finger", "fingers", "4th", "5th", "toe"]), min_size=1, max_size=4)
rows_of_queries = st.lists(st.tuples(st.integers(0, 2), names.map(" ".join)), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(rows_of_queries, st.sampled_from([0.4, 0.6, 0.8, 1.0]), st.randoms())
def test_across_documents_is_the_naive_loop_whatever_the_order(rows, similarity, random):
    judge, ground, table = filters.AcrossDocuments(similarity), toy(TWINS), written(*rows)
    expected = naive_across(table, TWINS, similarity)
    assert judge.drops(table, ground).tolist() == expected
    order = random.sample(range(len(rows)), len(rows))
    assert judge.drops(table[order], ground).tolist() == [expected[i] for i in order]
    kept = table.filter(~pl.Series(expected, dtype=pl.Boolean))
    assert not judge.drops(kept, ground).any()


def test_many_queries_are_compared_as_by_the_naive_loop():
    draw = np.random.default_rng(0)
    vocabulary = [a + b for a in ("ka", "lo", "mi", "ru", "te") for b in ("vin", "dra", "pel", "ost")]
    documents = [(" ".join(draw.choice(vocabulary, 3)), "") for _ in range(60)]
    rows = [(i, " ".join(draw.permutation([*title.split(), "of"]))) for i, (title, _) in enumerate(documents)]
    rows += [((i + 1) % 60, query + "s" * (i % 2)) for i, query in rows]
    table, ground = written(*rows), toy(documents)
    expected = naive_across(table, documents, 0.7)
    assert 10 < sum(expected) < 110
    assert filters.AcrossDocuments(0.7).drops(table, ground).tolist() == expected


@pytest.mark.parametrize("similarity", [0.2, 0.5, 0.8, 0.9, 0.99, 1.0])
def test_bands_miss_hardly_any_pair(similarity):
    bands, rows = _bands(similarity)
    assert bands * rows <= 128 and bands >= 2 and (1 - similarity**rows) ** bands < 1e-6
