"""By what queries can be told apart whatever the domain: columns for every split that measures."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from shoptalk.domain.judgments import Judged
from shoptalk.domain.wording import words

SHATTERED = 4
"""Pieces from which on a word counts as one that the tokenizer shatters."""
LENGTHS = ((1, "1 word"), (3, "2-3 words"), (6, "4-6 words"))
"""The most words, and the name."""
LONGER = "7 words or more"


def described(
    judged: Judged, form: Callable[[str], str], pieces: Callable[[Sequence[str]], list[int]], trained: Collection[str]
) -> Judged:
    """``judged`` with columns to slice by; a column that the domain has under the same name stays.

    ``query_form`` by readable rules; ``query_length`` in words; ``jargon``: ``shattered`` where some word takes
    ``SHATTERED`` pieces of the tokenizer or more, else ``whole``; ``document``: ``unseen`` where no relevant document
    stands in a training pair, else ``trained on``.

    Args:
        form: names the form of a query.
        pieces: how many pieces the tokenizer makes of each word.
        trained: ids of the documents of all training pairs.
    """
    seen = set(trained)
    columns = {
        "query_form": [form(text) for text in judged.texts],
        "query_length": [_length(text) for text in judged.texts],
        "jargon": _jargon(judged.texts, pieces),
        "document": ["unseen" if seen.isdisjoint(some) else "trained on" for some in judged.positives()],
    }
    return replace(judged, columns={**columns, **judged.columns})


def word_pieces(encoder: Any) -> Callable[[Sequence[str]], list[int]]:
    """Counts the pieces an encoder's tokenizer makes of words, what it puts around a text left out."""
    around = int(encoder.tokenize(["a"], "document").lengths[0]) - 1
    return lambda some: [max(int(length) - around, 0) for length in encoder.tokenize(list(some), "document").lengths]


def _length(text: str) -> str:
    count = len(text.split())
    return next((name for most, name in LENGTHS if count <= most), LONGER)


def _jargon(texts: Sequence[str], pieces: Callable[[Sequence[str]], list[int]]) -> list[str]:
    split = [words(text).split() for text in texts]
    every = list(dict.fromkeys(word for some in split for word in some))
    counts = dict(zip(every, pieces(every), strict=True)) if every else {}
    return ["shattered" if any(counts[word] >= SHATTERED for word in some) else "whole" for some in split]
