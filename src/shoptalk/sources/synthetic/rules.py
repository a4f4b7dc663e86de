"""Ways to turn a document into something a person might type. Each gives ``None`` where it does not apply."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shoptalk.sources.synthetic.phrases import (
    FUNCTION,
    content,
    inverted,
    lowered,
    names,
    numbered,
    parts,
    phrase_starts,
    shortened,
    spans,
    words,
)
from shoptalk.sources.synthetic.statistics import Statistics
from shoptalk.sources.synthetic.turns import NONE, Turns

FRAMES = (
    "what is it called when there is {}",
    "what is the name for {}",
    "what is the term for {}",
    "what does {} mean",
    "what is meant by {}",
)
"""Question frames; the first three ask for the title and take the clause, the last two take the title."""


@dataclass(frozen=True)
class Reading:
    """One document as the rules see it.

    Attributes:
        initials: how many titles of the corpus have given initials; an initialism must be the only one.
        turns: how real people word what titles say.
    """

    title: str
    text: str
    statistics: Statistics
    initials: dict[str, int]
    turns: Turns = NONE

    @cached_property
    def heading(self) -> list[str]:
        """The words of the title, sentence case undone."""
        return [lowered(t) for t in words(self.title)]

    @cached_property
    def opening(self) -> list[str]:
        """The words of the text's leading clause, its first part that few other texts would share."""
        found = parts(self.title, self.text)
        usable = [p for p in (shortened(part, 10) for part in found) if self.statistics.specific(content(p))]
        return usable[0] if usable else shortened([t for part in found[:2] for t in part], 10)

    @cached_property
    def phrases(self) -> list[list[str]]:
        """Spans of the text without a word of the title, the two of rarest words, in order of the text."""
        title = {t.lower() for t in self.heading}
        fresh = [s for s in spans(self.text) if not any(_same(w, t) for w in s for t in title)]
        unique = list({" ".join(s).lower(): s for s in reversed(fresh)}.values())[::-1]
        first = unique[:6]
        scores = [np.mean([min(self.statistics.rarity(w), 7.0) for w in s]) * len(s) ** 0.5 for s in first]
        best = sorted(np.argsort(scores, kind="stable")[::-1][:2])
        return [first[i] for i in best]

    def rarity(self, word: str) -> float:
        """How rare the word is in the corpus; numbers count as rarest, since near-twins differ in them."""
        return 99.0 if numbered(word) else self.statistics.rarity(word)


Rule = Callable[[Reading, np.random.Generator], str | None]


def described(doc: Reading, rng: np.random.Generator) -> str | None:
    """The text's leading clause as it stands: "deposition of calcium in a joint"."""
    return " ".join(doc.opening) if len(doc.opening) >= 3 else None


def telegraphed(doc: Reading, rng: np.random.Generator) -> str | None:
    """The leading clause without function words, turned at its last "of": "joint calcium deposition"."""
    starts = [*phrase_starts(doc.opening), len(doc.opening)]
    cuts = (content(inverted(doc.opening[:end]) or doc.opening[:end]) for end in [*starts[1:], len(doc.opening)])
    return next((" ".join(c) for c in cuts if len(c) >= 2 and doc.statistics.specific(c)), None)


def turned(doc: Reading, rng: np.random.Generator) -> str | None:
    """The title turned: "Abnormality of the bladder" as "bladder abnormality"."""
    tokens = inverted(doc.heading)
    return " ".join(content(tokens)) if tokens else None


def dropped(doc: Reading, rng: np.random.Generator) -> str | None:
    """The title without its most common word, never without a number or a letter that tells twins apart."""
    kept = content(doc.heading)
    if len(kept) < 3:
        return None
    least = min(range(len(kept)), key=lambda i: (doc.rarity(kept[i]), i))
    return None if numbered(kept[least]) else " ".join(kept[:least] + kept[least + 1 :])


def replaced(doc: Reading, rng: np.random.Generator) -> str | None:
    """The title with words that the corpus uses in their place, turned at times: "renal cyst" as "kidney cyst"."""
    tokens = list(doc.heading)
    fresh = [w for w in map(lowered, content(words(doc.text))) if w not in tokens]
    found = {i: doc.statistics.alternative(t, fresh) for i, t in enumerate(tokens) if t.lower() not in FUNCTION}
    places = [i for i, word in found.items() if word and not any(_same(word, tokens[j]) for j in found if j != i)]
    if not places or len(content(tokens)) < 2:
        return None
    always = places[int(rng.integers(len(places)))]
    for place in places:
        if place == always or rng.random() < 0.3:
            tokens[place] = found[place] or tokens[place]
    turned = inverted(tokens) if rng.random() < 0.5 else None
    return " ".join(dict.fromkeys(content(turned) if turned else tokens))


def spoken(doc: Reading, rng: np.random.Generator) -> str | None:
    """The title as real people word others like it: "hepatic fibrosis" as "liver fibrosis"."""
    tokens = doc.turns.applied(doc.heading, rng)
    return " ".join(tokens) if tokens else None


def mixed(doc: Reading, rng: np.random.Generator) -> str | None:
    """The title's rarest words beside a key phrase of the text."""
    subject = sorted(content(doc.heading), key=doc.rarity, reverse=True)[:2]
    subject = [t for t in doc.heading if t in subject]
    if not doc.phrases or not subject:
        return None
    phrase = doc.phrases[int(rng.integers(len(doc.phrases)))]
    return " ".join([*subject, *phrase] if rng.random() < 0.5 else [*phrase, *subject])


def keyed(doc: Reading, rng: np.random.Generator) -> str | None:
    """Two key phrases of the text, no word of the title among them."""
    tokens = [t for s in doc.phrases for t in s]
    return " ".join(tokens) if len(tokens) >= 3 and doc.statistics.specific(tokens) else None


def named(doc: Reading, rng: np.random.Generator) -> str | None:
    """Another name that the text gives: "also known as …"."""
    given = names(doc.text)
    return given[int(rng.integers(len(given)))] if given else None


def initialed(doc: Reading, rng: np.random.Generator) -> str | None:
    """The title's initials, one letter a word: where the text writes them too, or no other title has them."""
    letters = initials(doc.title)
    if letters is None:
        return None
    written = re.search(rf"\b{re.escape(letters)}\b", doc.text)
    return letters if written or doc.initials.get(letters, 0) == 1 else None


def asked(doc: Reading, rng: np.random.Generator) -> str | None:
    """A question for the name of the leading clause, or for the meaning of the title."""
    frame = int(rng.integers(len(FRAMES)))
    inside = doc.opening if frame < 3 else doc.heading
    return FRAMES[frame].format(" ".join(inside)) if len(inside) >= (3 if frame < 3 else 1) else None


def initials(title: str) -> str | None:
    """First letters of three to six content words, numbers refused; ``None`` where there are other counts."""
    tokens = content(words(title.replace("-", " ").replace("/", " ")))
    if not 3 <= len(tokens) <= 6 or any(numbered(t) for t in tokens):
        return None
    return "".join(t[0] for t in tokens).upper()


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (described, telegraphed, turned, dropped, replaced, spoken, mixed, keyed, named, initialed, asked)
}


def _same(one: str, other: str) -> bool:
    """Whether two words differ in their last letters at most ("calcified", "calcification")."""
    one, other = one.lower(), other.lower()
    if one == other:
        return True
    shared = min(len(one), len(other), max(4, int(0.6 * min(len(one), len(other))) + 1))
    return min(len(one), len(other)) >= 4 and one[:shared] == other[:shared]
