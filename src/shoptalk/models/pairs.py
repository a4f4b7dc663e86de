"""Pairs of texts as token ids, with the tokenizer's own template between them."""

from collections.abc import Sequence

import numpy as np

from shoptalk.errors import InputError
from shoptalk.models.ragged import Ragged

SECOND = 1 << 30
"""Added to a token id of the second segment, so that a pair stays one flat array."""


class PairTokenizer:
    """``[CLS] query [SEP] document [SEP]``, or what the tokenizer's template says instead.

    A text that occurs in many pairs is tokenised once. A pair that is too long loses the end of its
    document; of the query only what passes half of ``max_length``. ``typed`` tells whether the template
    has segments of its own.
    """

    def __init__(self, tokenizer, max_length: int):
        self.tokenizer, self.max_length = tokenizer, max_length
        self.pieces = _template(tokenizer)
        self.typed = any((piece & SECOND).any() for piece in self.pieces)
        self.room = max_length - sum(len(piece) for piece in self.pieces)
        if self.room < 2:
            raise InputError(f"max_length={max_length}: leaves no room for a query and a document; raise it.")

    def __call__(self, queries: Sequence[str], documents: Sequence[str]) -> Ragged:
        """Token ids per pair, second-segment tokens marked by ``SECOND``."""
        if len(queries) != len(documents):
            raise ValueError(f"{len(queries)} queries for {len(documents)} documents")
        left, right = self._coded(queries), self._coded(documents)
        head, middle, tail = self.pieces
        out = []
        for query, document in zip(queries, documents, strict=True):
            first, second = left[query], right[document]
            first = first[: max(self.room // 2, self.room - len(second))]
            second = second[: self.room - len(first)] | SECOND
            out.append(np.concatenate([head, first, middle, second, tail]))
        return Ragged.of(out)

    def _coded(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        def code(part: Sequence[str]) -> list[list[int]]:
            coded = self.tokenizer(part, add_special_tokens=False, truncation=True, max_length=self.max_length)
            return coded["input_ids"]

        unique = list(dict.fromkeys(texts))
        return dict(zip(unique, Ragged.coded(code, unique), strict=True))


def _template(tokenizer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Special tokens before, between and behind the two texts of a pair, found by coding a probe."""
    first, second = (tokenizer(word, add_special_tokens=False)["input_ids"] for word in ("a", "b"))
    coded = tokenizer("a", "b", return_token_type_ids=True)
    ids = np.asarray(coded["input_ids"], dtype=np.int32)
    ids = ids | np.asarray(coded["token_type_ids"], dtype=np.int32) * SECOND
    plain = list(ids & ~SECOND)
    start = _find(plain, first, 0)
    behind = _find(plain, second, start + len(first))
    return ids[:start], ids[start + len(first) : behind], ids[behind + len(second) :]


def _find(ids: list[int], part: list[int], start: int) -> int:
    for place in range(start, len(ids) - len(part) + 1):
        if ids[place : place + len(part)] == part:
            return place
    raise InputError("the tokenizer does not code a pair as two texts with tokens around them; choose another model.")
