import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from shoptalk.domain.obo import Synonym, Term
from shoptalk.domain.synonyms import components, synonym_queries
from shoptalk.domain.text import normalise
from shoptalk.domain.wording import without_numbers, words


def term(doc_id: str, name: str, *synonyms: tuple[str, str, str]) -> Term:
    return Term(doc_id, name, "", [], [Synonym(*synonym) for synonym in synonyms])


def test_every_removal_has_its_reason_and_the_rest_are_queries():
    queries, counts = synonym_queries(
        [
            term(
                "IN:1",
                "Blue spleen",
                ("Azure spleen", "EXACT", ""),
                ("Blueish bit", "EXACT", "layperson"),
                ("BSp", "EXACT", "abbreviation"),
                ("Sky spleen", "EXACT", "obsolete_synonym"),
                ("Azure-Spleen.", "EXACT", "layperson"),
                ("blue-spleen", "EXACT", "layperson"),
                ("Blue spleens", "EXACT", "plural_form"),
                ("Blue spléen", "EXACT", "uk_spelling"),
                ("Spleen thing", "RELATED", ""),
                ("Odd organ", "EXACT", ""),
                ("Shared", "EXACT", ""),
                ("Wide", "EXACT", ""),
                ("--", "EXACT", ""),
            ),
            term("IN:2", "Odd organ", ("shared", "EXACT", "layperson"), ("WIDE", "BROAD", "")),
        ]
    )
    assert [(q.term, q.text, q.kind) for q in queries] == [
        ("IN:1", "Azure spleen", "formal"),
        ("IN:1", "Blueish bit", "layperson"),
        ("IN:1", "BSp", "abbreviation"),
        ("IN:1", "Sky spleen", None),
    ]
    assert counts == {
        "synonyms": 15,
        "removed_repeated": 1,
        "removed_same_as_name": 1,
        "removed_plural_form": 1,
        "removed_uk_spelling": 1,
        "removed_not_exact": 2,
        "removed_several_terms": 4,
        "removed_no_words": 1,
        "queries": 4,
        "queries_formal": 1,
        "queries_layperson": 1,
        "queries_abbreviation": 1,
        "queries_of_other_types": 1,
        "terms_with_queries": 1,
    }
    assert counts["synonyms"] == counts["queries"] + sum(n for key, n in counts.items() if key.startswith("removed"))


@given(st.lists(st.text("abc ", min_size=1, max_size=8), min_size=1, max_size=7), st.sampled_from([0.3, 0.6, 1.0]))
def test_components_are_those_of_the_similarity_graph(texts, threshold):
    grams = [{f" {t} "[i : i + 3] for i in range(len(t))} for t in texts]
    near = np.array([[len(a & b) / len(a | b) >= threshold for b in grams] for a in grams])
    found = components(texts, threshold)
    labels = connected_components(near)[1]
    assert [[a == b for b in found] for a in found] == [[a == b for b in labels] for a in labels]


def test_a_chain_of_near_texts_is_one_component():
    chain = ["abcdefghij", "abcdefghijkl", "abcdefghijklmn"]
    assert components([chain[0], chain[2]], 0.65) == [0, 1]
    assert components([chain[0], chain[2], chain[1]], 0.65) == [0, 0, 0]


@given(st.text(), st.text())
def test_words_are_coarser_than_normalised_text(left, right):
    if normalise(left) == normalise(right):
        assert words(left) == words(right)


def test_numbers_are_blinded():
    assert without_numbers("Bone of the 4th toe, type IV (CD8a)") == "bone of the # toe type # cd#a"
    assert without_numbers("Fourth toe; four toes") == "# toe # toes"
    assert without_numbers("Vitamin X-linked mix") == "vitamin # linked mix"
    assert without_numbers("mild visual loss") == "mild visual loss"
