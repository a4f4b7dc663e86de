"""Queries in another script or language than their document."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.retrieval.bm25 import library
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.filters.base import Telling, share
from shoptalk.sources.synthetic.phrases import words

_WORDS = 3
_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK", "FULLWIDTH": "LATIN"}
_LISTS = (
    *("EN_PLUS", "GERMAN", "DUTCH", "SWEDISH", "NORWEGIAN", "DANISH"),
    *("FRENCH", "SPANISH", "PORTUGUESE", "ITALIAN", "RUSSIAN", "TURKISH"),
)


class OtherLanguage(Telling):
    """Queries in a script that their document does not use, or in a language that the corpus does not speak.

    *Script*: the script of most of the query's letters has no two letters in any one word of the document.
    Chinese characters and kana count as one.

    *Language*, for queries of three words or more: at least ``unknown`` of the words stand in no document, and one of
    those is a function word of a language other than the corpus's own, which is the one whose function words it
    holds most. The lists are those of bm25s, for twelve European languages. Both conditions together spare jargon,
    misspellings and loan words. What they cannot see: a query without a function word ("boca seca"), a language
    without a list, and any language that part of the corpus is written in. A statistical identifier was no better
    on two to five words, where it takes a fifth of medical English for something else.

    Args:
        unknown: share of words that no document holds, in (0, 1].
    """

    reason = "another language"

    def __init__(self, unknown: float = 0.5):
        self.unknown = share("other_language.unknown", unknown)

    def faults(self, written: pl.DataFrame, ground: Ground) -> Sequence[str | None]:
        """``script`` or ``language``."""
        corpus = ground.domain.corpus
        known = _vocabulary(corpus)
        foreign = _foreign(known)
        scripts = {row: _scripts(corpus.passages[row]) for row in written["row"].unique()}
        return [
            ("script" if _elsewhere(query, scripts[row]) else None) or self._unspoken(_parts(query), known, foreign)
            for row, query in written.select("row", "query").iter_rows()
        ]

    def _unspoken(self, tokens: list[str], known: Counter[str], foreign: frozenset[str]) -> str | None:
        strange = [token for token in tokens if token not in known]
        enough = len(tokens) >= _WORDS and len(strange) >= self.unknown * len(tokens)
        return "language" if enough and not foreign.isdisjoint(strange) else None


def _parts(text: str) -> list[str]:
    """Words in lower case, apostrophes dividing ("l'enfant")."""
    return [part for word in words(text.lower().replace("\u2019", "'")) for part in word.split("'")]


def _vocabulary(corpus: Corpus) -> Counter[str]:
    return Counter(part for passage in corpus.passages for part in _parts(passage))


def _foreign(known: Counter[str]) -> frozenset[str]:
    """Function words of all languages but the one that most of the corpus's function words are of."""
    lists = _function_words()
    own = max(lists, key=lambda language: sum(known[word] for word in lists[language]))
    return frozenset().union(*lists.values()) - lists[own]


@cache
def _function_words() -> dict[str, frozenset[str]]:
    library()  # the package first, in a way that is safe
    from bm25s import stopwords

    return {name: frozenset(getattr(stopwords, f"STOPWORDS_{name}")) for name in _LISTS}


def _elsewhere(query: str, scripts: frozenset[str]) -> bool:
    letters = Counter(_script(c) for c in query if c.isalpha())
    return bool(letters and scripts) and max(letters, key=lambda one: (letters[one], one in scripts)) not in scripts


def _scripts(text: str) -> frozenset[str]:
    """Scripts with two letters or more in one word: a lone β is a symbol."""
    found = (Counter(_script(c) for c in word if c.isalpha()) for word in words(text))
    return frozenset(script for letters in found for script, count in letters.items() if count > 1)


@cache
def _script(letter: str) -> str:
    """By the letter's Unicode name, which begins with its script."""
    name = unicodedata.name(letter, "").split(" ")[0]
    return _ONE_SCRIPT.get(name, name)
