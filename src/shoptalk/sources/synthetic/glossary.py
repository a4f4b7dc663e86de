"""How the domain's people write, mined from its corpus and its real queries: abbreviations, other words, habits."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl
from scipy.stats import chi2

from shoptalk.domain.corpus import Corpus
from shoptalk.sources.synthetic.phrases import content, subjects, words

_SHORT = re.compile(r"\(([A-Za-z][A-Za-z0-9.&/-]{1,9})\)")
_SURE = chi2.isf(1e-6, 1)
"""Least log-likelihood ratio of two words that are taken to mean the same: chance would reach it once in a million."""


def abbreviations(texts: Iterable[str]) -> dict[str, str]:
    """Short form to long form as "long form (SF)" defines them, the most frequent long form of each.

    The rule of Schwartz and Hearst (2003): letters of the short form are found from right to left in the words before
    it, its first letter at the beginning of a word.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for match in _SHORT.finditer(text):
            short = match[1]
            if sum(letter.isupper() for letter in short) >= 2 and (long := _long_form(short, text[: match.start()])):
                found[short][long.lower()] += 1
    return {short: min(counted, key=lambda long: (-counted[long], long)) for short, counted in sorted(found.items())}


def _long_form(short: str, before: str) -> str | None:
    letters = [letter.lower() for letter in short if letter.isalnum()]
    told = before.split()[-min(len(letters) + 5, 2 * len(letters)) :]
    text = " ".join(told)
    place = len(text)
    for number, letter in enumerate(reversed(letters)):
        first = number == len(letters) - 1
        place -= 1
        while place >= 0 and not (
            text[place].lower() == letter and (not first or place == 0 or text[place - 1] == " ")
        ):
            place -= 1
        if place < 0:
            return None
    return text[place:]


def other_words(real: pl.DataFrame, corpus: Corpus, least: int = 3) -> dict[str, str]:
    """Document word to the word people type in its place, by the log-likelihood ratio of Dunning (1993).

    A pair of words counts where the document holds the one and not the other and its query the other. Each document
    word has at most one other word, the one it is bound to most surely.

    Args:
        least: times that both words must meet.
    """
    both: Counter[tuple[str, str]] = Counter()
    there: Counter[str] = Counter()
    typed: Counter[str] = Counter()
    for query, doc_id in real.select("query", "doc_id").iter_rows():
        document = set(subjects(corpus.titles[corpus.index[doc_id]]))
        missing = set(subjects(query)).difference(subjects(corpus.passages[corpus.index[doc_id]]))
        there.update(document)
        typed.update(missing)
        both.update((old, new) for old in document for new in missing)
    best: dict[str, tuple[float, str]] = {}
    for (old, new), count in both.items():
        if count >= least and count * real.height > there[old] * typed[new]:
            ratio = log_likelihood_ratio(count, there[old] - count, typed[new] - count, real.height)
            if ratio >= _SURE:
                best[old] = max(best.get(old, (0.0, "")), (ratio, new))
    return {old: new for old, (_, new) in sorted(best.items())}


def log_likelihood_ratio(both: int, first: int, second: int, total: int) -> float:
    """Of a table of two events: times of both, of the first alone, of the second alone, and of all."""
    table = np.array([[both, first], [second, total - both - first - second]], dtype=float)
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(table > 0, table * np.log(table / expected), 0.0)
    return float(2 * parts.sum())


def lines(text: str, known: Mapping[str, str], most: int = 5) -> list[str]:
    """The entries of ``known`` that are about ``text``, as "entry: meaning"."""
    low = f" {' '.join(words(text.lower()))} "
    about = [f"{key}: {said}" for key, said in known.items() if f" {key.lower()} " in low or f" {said.lower()} " in low]
    return about[:most]


def habits(queries: Sequence[str]) -> str:
    """How long real queries are and how they are written, in a sentence for a prompt."""
    sizes = np.array([len(query.split()) for query in queries])
    few, many = (int(np.quantile(sizes, q, method="nearest")) for q in (0.1, 0.9))
    lower = np.mean([query == query.lower() for query in queries])
    function = np.mean([len(content(words(query))) < len(words(query)) for query in queries])
    case = "in lower case" if lower > 0.8 else "with capitals" if lower < 0.2 else "in lower case or with capitals"
    joining = "with" if function > 0.5 else "mostly without"
    length = f"{few} words" if few == many else f"{few} to {many} words"
    return f"Queries have {length}, are written {case}, and are {joining} words such as of, the and in."
