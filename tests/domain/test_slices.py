from shoptalk.domain.obo import Term
from shoptalk.domain.slices import number_twins, template_words, templates


def test_twins_differ_in_numbers_alone():
    names = [
        "Short 4th finger",
        "Short fifth finger",
        "Short finger",
        "Chord type II",
        "Chord type IV",
        "Low CD4 count",
        "Low CD8 count",
        "Low count",
        "Odd 7th rib",
        "Same 2 name",
        "Same-2 name",
    ]
    terms = [Term(f"IN:{at}", name, "", [], []) for at, name in enumerate(names)]
    assert number_twins(terms) == {"IN:0", "IN:1", "IN:3", "IN:4", "IN:5", "IN:6"}


def test_a_template_stands_in_the_queries_of_ten_terms():
    training = [(f"IN:{at}", f"{word} bone of the # toe") for at, word in enumerate("abcdefghij")]
    one_term = [("IN:0", f"{word} what a pity") for word in "abcdefghij"]
    known = templates([*training, *one_term])
    assert known == {"bone of the", "of the #", "the # toe"}
    assert template_words(["a bone of the hand", "what a pity", "bone", ""], known) == [
        "seen",
        "novel",
        "novel",
        "novel",
    ]
    assert templates(training[:9]) == set()
