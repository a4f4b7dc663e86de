"""Queries judged by their words, their titles and what they copy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_ground import toy, written

from shoptalk.sources.synthetic import filters
from shoptalk.sources.synthetic.phrases import subjects

HORNS = [("red horn", "loud brass"), ("blue horn", "loud brass"), ("", "loud")]


def test_length_titles_and_repeats():
    ground = toy(HORNS)
    lengths = written((0, "x"), (0, "a b c"), (0, "a b c d"), (0, " x\n"))
    assert filters.Length(2, 3).drops(lengths, ground).tolist() == [True, False, True, True]
    titles = written((0, "Red Horn."), (0, "blue horn"), (0, "horn"))
    assert filters.CopiesTitle().drops(titles, ground).tolist() == [True, True, False]
    repeats = written((0, "x"), (1, "X "), (2, "y"), (2, "y"))
    assert filters.Repeated(2).drops(repeats, ground).tolist() == [True, True, False, False]
    generic = written((0, "the loud brass"), (0, "red brass"), (0, "of the"))
    assert filters.Generic(2).drops(generic, ground).tolist() == [True, False, True]
    near = written((0, "a loud red horn"), (0, "a loud red horns"), (1, "a loud red horns"), (0, "tuba"))
    assert filters.NearDuplicate(0.7).drops(near, ground).tolist() == [False, True, False, False]


TEXT = "The slow escape of thin oil from the worn seat of a valve, which drips onto the lower deck at night."


@pytest.mark.parametrize(
    ("query", "copied"),
    [
        ("slow escape of thin oil from the worn seat", True),
        ("Slow escape, thin oil: worn seat", True),  # function words and case do not hide it
        ("what is slow escape of thin oil from the worn seat", True),
        ("deck valve oil seat escape slow", False),  # the same words in another order
        ("slow escape of thin oil", False),  # too short a run
        ("slow escape of thin oil worn seat ruins my new white sneakers totally", False),  # the run is half of it
        ("worn valve seat leaking nautical", False),  # the title's words, turned
        ("oil of the valve leak nautical lower deck", False),  # across title and text
    ],
)
def test_a_copy_is_a_long_run_that_is_most_of_the_query(query, copied):
    ground = toy([("Nautical leaking of the worn valve seat", TEXT)])
    assert filters.CopyOverlap(5, 0.8).drops(written((0, query)), ground).tolist() == [copied]


def naive_run(query: list[str], document: list[str]) -> int:
    spans = [query[i:j] for i in range(len(query)) for j in range(i + 1, len(query) + 1)]
    return max((len(s) for s in spans for k in range(len(document)) if document[k : k + len(s)] == s), default=0)


few = st.lists(st.sampled_from(["oil", "deck", "of", "valve", "worn", "the"]), max_size=9).map(" ".join)


@settings(max_examples=50, deadline=None)
@given(few, few, st.lists(few, min_size=1, max_size=4), st.integers(1, 5), st.sampled_from([0.3, 0.6, 1.0]))
def test_copies_are_those_of_a_naive_search(title, text, queries, words, share):
    ground = toy([(title, text), ("other", "other")])
    got = filters.CopyOverlap(words, share).drops(written(*((0, q) for q in queries)), ground)
    runs = [max(naive_run(subjects(q), subjects(field)) for field in (title, text)) for q in queries]
    assert got.tolist() == [r >= words and r >= share * len(subjects(q)) for r, q in zip(runs, queries, strict=True)]
