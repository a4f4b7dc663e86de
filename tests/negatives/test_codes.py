import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.domain.wording import without_numbers, words
from shoptalk.negatives.codes import split


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Abnormality of the 4th finger", ("abnormality of the finger", "4")),
        ("Abnormality of the FOURTH finger.", ("abnormality of the finger", "4")),
        ("Collagen type IV", ("collagen type", "4")),
        ("Screw 5/16-18, 1.25 in", ("screw", "5/16 18 1.25 inch")),
        ("Bolt M8x1.25, 90 mm", ("bolt", "m8x1.25 90 mm")),
        ("Bolt M8x1.25, 90millimetres", ("bolt", "m8x1.25 90 mm")),
        ("10-mm pipe in stock", ("pipe in stock", "10 mm")),
        ("mm wave", ("mm wave", "")),
        ("CD4+ T-cell, IgG2a", ("t cell", "cd4 igg2a")),
        ("2 weeks", ("", "2 week")),
        ("Größe XX, 90°", ("grösse", "20 90")),
        ("", ("", "")),
    ],
)
def test_words_and_codes(text, expected):
    found = split(text)
    assert tuple(" ".join(part) for part in found) == expected


TOKENS = st.sampled_from(["4th", "fifth", "two", "2", "10", "ix", "CD4", "Cd8", "finger", "of", "type", "mm", "a"])


@given(st.lists(TOKENS, min_size=1, max_size=5), st.lists(TOKENS, min_size=1, max_size=5))
def test_texts_that_differ_in_numbers_for_the_domain_differ_in_codes_alone(one, other):
    one, other = " ".join(one), " ".join(other)
    if without_numbers(one) == without_numbers(other) and words(one) != words(other):
        (words_one, codes_one), (words_other, codes_other) = split(one), split(other)
        assert words_one == words_other and len(codes_one) == len(codes_other)


def test_a_number_is_one_code_however_it_is_written():
    spelt = [split(f"toe {number}")[1] for number in ("3", "3rd", "third", "three", "III", "Ⅲ", "³")]
    assert set(spelt) == {("3",)}


def test_every_token_is_a_word_or_a_code():
    rng = np.random.default_rng(0)
    for _ in range(50):
        tokens = rng.choice(["alpha", "7", "5/16", "b2", "beta"], 6).tolist()
        found = split(" ".join(tokens))
        assert sorted(found[0] + found[1]) == sorted(tokens)
