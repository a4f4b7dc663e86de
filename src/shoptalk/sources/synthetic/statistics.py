"""What a corpus as a whole says of its words: how rare they are, and which stand for each other."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from shoptalk.cache import digest_texts
from shoptalk.sources.synthetic.phrases import DEFINING, content, parts, words

STRONG = 0.3
"""Bond in (0, 1] above which a word stands for another in documents that do not hold it."""


class Statistics:
    """Document frequencies, and associations between words of titles and words of texts.

    Two words stand for each other ("renal", "kidney") where texts below a title with the first often hold the
    second, far above chance, while titles seldom hold both: words that share titles are neighbours, not
    alternatives. Of a text the first part alone is read for this, since what follows explains rather than
    paraphrases. Counted over at most ``most`` documents, the first by hash.
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
            self._count(titles[row], texts[row])
        self._across = Counter({pair: n for pair, n in self._across.items() if n >= 3})

    def _count(self, title_text: str, whole: str) -> None:
        title = _subjects(words(title_text))
        self.frequency.update(title | _subjects(words(whole)))
        text = _subjects([t for part in parts(title_text, whole)[:1] for t in part])
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

    def alternative(self, word: str, among: Sequence[str]) -> str | None:
        """What stands for the title word ``word``: the best of ``among``, else the best of the corpus, else ``None``.

        A word of ``among`` counts only where its bond is at least half of the best that either word has in the
        corpus; a word from elsewhere only where its bond is above ``STRONG``.
        """
        scored = [(self._bond(word.lower(), w.lower()), w) for w in among]
        bond, best = max(scored, default=(0.0, ""), key=lambda s: (s[0], s[1]))
        anywhere = self._best.get(("title", word.lower()), (0.0, ""))
        if bond > 0 and bond >= 0.5 * max(anywhere[0], self._best[("text", best.lower())][0]):
            return best
        return anywhere[1] if anywhere[0] > STRONG else None

    @cached_property
    def _best(self) -> dict[tuple[str, str], tuple[float, str]]:
        """For each word of ("title", word) and ("text", word) its strongest bond and the other word."""
        best: dict[tuple[str, str], tuple[float, str]] = {}
        for title_word, text_word in sorted(self._across):
            bond = self._bond(title_word, text_word)
            for key, other in ((("title", title_word), text_word), (("text", text_word), title_word)):
                best[key] = max(best.get(key, (0.0, "")), (bond, other))
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


def _subjects(tokens: list[str]) -> set[str]:
    return {t.lower() for t in content(tokens)} - DEFINING
