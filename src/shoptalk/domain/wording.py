"""The wording of a short text: its bare words, and the same with numbers made equal."""

import re

from shoptalk.domain.text import normalise

_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_CARDINALS = "one two three four five six seven eight nine ten eleven twelve"
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii"
_NUMBERS = frozenset(f"{_ORDINALS} {_CARDINALS} {_ROMAN}".split())
_DIGITS = re.compile(r"\d+(?:st|nd|rd|th)?(?![a-z])|\d+")


def words(text: str) -> str:
    """Letters and digits of the normalised text, one space between runs: punctuation and hyphens are gone.

    Coarser than ``normalise``: texts that differ here differ there as well.
    """
    return " ".join(re.findall(r"[^\W_]+", normalise(text)))


def without_numbers(text: str) -> str:
    """The ``words`` of a text with every number as ``#``.

    Numbers are digits, also within a word ("CD4"), and whole words: "4th", "fourth", "four", Roman I to XII.
    """
    return " ".join("#" if word in _NUMBERS else _DIGITS.sub("#", word) for word in words(text).split())
