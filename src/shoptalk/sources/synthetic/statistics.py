"""What a corpus as a whole says of its words: how rare they are, and which stand for each other."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from shoptalk.cache import digest_texts
from shoptalk.sources.synthetic.phrases import FUNCTION, content, words


class Statistics:
    """Document frequencies, and associations between words of titles and words of texts.

    Two words stand for each other ("renal", "kidney") where texts below a title with the first often hold the
    second, far above chance, while titles seldom hold both: words that share titles are neighbours, not
    alternatives. Counted over at most ``most`` documents, the first by hash.
    """

    def __init__(self, titles: Sequence[str], texts: Sequence[str], most: int = 50_000):
        rows = range(len(titles))
        if len(titles) > most:
            rows = sorted(rows, key=lambda r: digest_texts([titles[r], texts[r]]))[:most]
        self.documents = len(rows)
        self.frequency: Counter[str] = Counter()
        self._in_titles: Counter[str] = Counter()
        self._in_texts: Counter[str] = Counter()
        self._across: Counter[tuple[str, str]] = Counter()
        self._beside: Counter[tuple[str, str]] = Counter()
        for row in rows:
            self._count(_subject_words(titles[row]), _subject_words(texts[row]))
        self._across = Counter({pair: n for pair, n in self._across.items() if n >= 3})

    def _count(self, title: set[str], text: set[str]) -> None:
        self.frequency.update(title | text)
        self._in_titles.update(title)
        self._in_texts.update(text)
        self._across.update((t, w) for t in title for w in text - title)
        self._beside.update((t, w) for t in title for w in title if t != w)

    def rarity(self, word: str) -> float:
        """ln((documents + 1) / (documents with the word + 1)), 0 for a word in all of them."""
        return math.log((self.documents + 1) / (self.frequency[word.lower()] + 1))

    def specific(self, tokens: Sequence[str], others: float = 2.0) -> bool:
        """Whether fewer than ``others`` documents would hold all these words if words fell independently."""
        total = sum(self.rarity(t) for t in {t.lower() for t in tokens})
        return total > math.log(self.documents + 1) - math.log(others)

    def alternative(self, word: str, among: Sequence[str]) -> tuple[float, str] | None:
        """The word of ``among`` that stands for the title word ``word``, with the strength of the bond in (0, 1].

        ``None`` where there is none. Of the words that go with a title word only those count whose bond is at
        least half of the best that either has in the whole corpus.
        """
        scored = [(self._bond(word.lower(), w.lower()), w) for w in among]
        bond, best = max(scored, default=(0.0, ""), key=lambda s: (s[0], s[1]))
        strongest = max(self._best.get(("title", word.lower()), 0.0), self._best.get(("text", best.lower()), 0.0))
        return (bond, best) if bond > 0 and bond >= 0.5 * strongest else None

    @cached_property
    def _best(self) -> dict[tuple[str, str], float]:
        best: dict[tuple[str, str], float] = {}
        for title_word, text_word in self._across:
            bond = self._bond(title_word, text_word)
            for key in (("title", title_word), ("text", text_word)):
                best[key] = max(best.get(key, 0.0), bond)
        return best

    def _bond(self, title_word: str, text_word: str) -> float:
        both = self._across[title_word, text_word]
        if both < 4:
            return 0.0
        given = both / self._in_titles[title_word]
        back = both / self._in_texts[text_word]
        lift = given * self.documents / self._in_texts[text_word]
        beside = self._beside[title_word, text_word] / min(self._in_titles[title_word], self._in_titles[text_word] or 1)
        return math.sqrt(given * back) if given > 0.25 and back > 0.05 and lift > 8 and beside < 0.1 else 0.0


def _subject_words(text: str) -> set[str]:
    return {w.lower() for w in content(words(text))} - FUNCTION
