"""How people word what documents call otherwise, learned from real queries and the titles they lead to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import numpy as np

from shoptalk.sources.synthetic.phrases import FUNCTION, lowered, numbered, words

Phrase = tuple[str, ...]
Swap = tuple[Phrase, Phrase]
"""Words of a title and what people type in their place: "hepatic" and "liver"."""

Ends = tuple[Phrase, Phrase]
"""What stands before and behind the rest: "abnormal … morphology"; people say "abnormality of the …"."""

_LONGEST = 4  # words of a phrase, and of both ends together


@dataclass(frozen=True)
class Turns:
    """Turns of phrase, and in which share of the titles that give occasion people take each.

    Attributes:
        swaps: phrase of titles to what is typed in its place, with that share in (0, 1].
        frames: ends of titles to the ends that are typed, both other, with that share.
    """

    swaps: dict[Phrase, dict[Phrase, float]] = field(default_factory=dict)
    frames: dict[Ends, dict[Ends, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(found) for table in (self.swaps, self.frames) for found in table.values())

    def applied(self, title: Sequence[str], rng: np.random.Generator) -> list[str] | None:
        """``title`` as people might type it: one turn drawn by shares, then swaps of other words until none is drawn.

        Returns:
            ``None`` where no turn fits.
        """
        pieces = [(tuple(title), False)]  # words, and whether they are people's already
        first = [*self._reframed(tuple(title)), *self._swapped(pieces)]
        if not first:
            return None
        weights = np.array([share for _, share in first])
        pieces = first[int(rng.choice(len(first), p=weights / weights.sum()))][0]
        while further := [made for made, share in self._swapped(pieces) if rng.random() < share]:
            pieces = further[int(rng.integers(len(further)))]
        return [word for piece, _ in pieces for word in piece]

    def _reframed(self, title: Phrase) -> Iterator[tuple[list[tuple[Phrase, bool]], float]]:
        for before, behind in ends_of(title):
            inside = title[len(before) : len(title) - len(behind)]
            for (first, last), share in self.frames.get((before, behind), {}).items():
                yield [(first, True), (inside, False), (last, True)], share

    def _swapped(self, pieces: Sequence[tuple[Phrase, bool]]) -> Iterator[tuple[list[tuple[Phrase, bool]], float]]:
        for number, (piece, theirs) in enumerate(pieces):
            for start, stop in () if theirs else _spans(piece):
                for new, share in self.swaps.get(piece[start:stop], {}).items():
                    parts = [(piece[:start], False), (new, True), (piece[stop:], False)]
                    yield [*pieces[:number], *parts, *pieces[number + 1 :]], share


NONE = Turns()


def learned(pairs: Iterable[tuple[str, str]], least: int = 3, most: int = 50_000) -> Turns:
    """The turns that queries of ``least`` different titles share.

    A pair is read for its frame where query and title differ at both ends of their longest common run of words, else
    for its swaps where they differ in place alone, function words aside. Numbers are never turned: they tell twins
    apart. In lower case, as ``phrases.lowered`` has it.

    Args:
        pairs: titles and queries.
        most: pairs that are read, evenly from all of them.
    """
    told = list(dict.fromkeys((_read(title), _read(query)) for title, query in pairs))
    told = told[:: max(1, -(-len(told) // most))]
    swaps: dict[Swap, set[Phrase]] = {}
    frames: dict[tuple[Ends, Ends], set[Phrase]] = {}
    for title, query in told:
        alike = SequenceMatcher(None, title, query, autojunk=False)
        if frame := _frame(title, query, alike):
            frames.setdefault(frame, set()).add(title)
        else:
            for swap in _swaps(title, query, alike):
                swaps.setdefault(swap, set()).add(title)
    titles = {title for title, _ in told}
    phrases = Counter(phrase for title in titles for phrase in {title[i:j] for i, j in _spans(title)})
    ends = Counter(pair for title in titles for pair in ends_of(title))
    return Turns(_shares(swaps, phrases, least), _shares(frames, ends, least))


def ends_of(title: Phrase) -> list[Ends]:
    """All that may stand before and behind at least one word of a title, one to four words together."""
    sizes = ((i, j) for i in range(_LONGEST + 1) for j in range(_LONGEST + 1 - i) if 0 < i + j < len(title))
    return [(title[:i], title[len(title) - j :]) for i, j in sizes]


def _read(text: str) -> Phrase:
    return tuple(lowered(word) for word in words(text))


def _spans(phrase: Phrase) -> Iterator[tuple[int, int]]:
    size = len(phrase)
    return ((i, j) for i in range(size) for j in range(i + 1, min(i + _LONGEST, size) + 1))


def _frame(title: Phrase, query: Phrase, alike: SequenceMatcher) -> tuple[Ends, Ends] | None:
    match = alike.find_longest_match()
    old = title[: match.a], title[match.a + match.size :]
    new = query[: match.b], query[match.b + match.size :]
    common = title[match.a : match.a + match.size]
    short = max(len(old[0]) + len(old[1]), len(new[0]) + len(new[1])) <= _LONGEST
    differ = old[0] != new[0] and old[1] != new[1] and any(old[0] + old[1])
    spoken = not FUNCTION.issuperset(common)
    return (old, new) if short and differ and spoken and _same_numbers(sum(old, ()), sum(new, ())) else None


def _swaps(title: Phrase, query: Phrase, alike: SequenceMatcher) -> list[Swap]:
    found = []
    for kind, i, j, k, m in alike.get_opcodes():
        old, new = title[i:j], query[k:m]
        if kind in ("insert", "delete") and not FUNCTION.issuperset(old + new):
            return []
        if kind == "replace" and not FUNCTION.issuperset(old):
            found.append((old, new))
    fits = (max(len(old), len(new)) <= _LONGEST and _same_numbers(old, new) for old, new in found)
    return found if all(fits) else []


def _same_numbers(old: Phrase, new: Phrase) -> bool:
    return sorted(filter(numbered, old)) == sorted(filter(numbered, new))


def _shares(found: dict, occasions: Counter, least: int) -> dict:
    shares: dict = {}
    for (old, new), titles in sorted(found.items()):
        if len(titles) >= least:
            shares.setdefault(old, {})[new] = len(titles) / occasions[old]
    return shares
