"""Queries that carry out what a document tells a language model to do."""

import re
from collections.abc import Sequence

import polars as pl

from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.filters.base import Rules, Telling, first, share
from shoptalk.sources.synthetic.filters.planted import Parts, divided, plain, stem
from shoptalk.sources.synthetic.phrases import subjects

ANYWHERE: Rules = (
    ("address", re.compile(r"\b(?:https?|ftp)://|\bwww\.\w|\bmailto:|\bjavascript:|\w@\w[\w-]*\.\w", re.IGNORECASE)),
    # a call or a statement with its punctuation, a tag, an import, a shell's pipe into a shell
    (
        "code",
        re.compile(
            r"\w\([^()]*\)\s*[;{]|[;{}]\s*$|=>\s*\{|\b(?:def|function) \w+\(|</?\w+[^<>]*>|^(?:import|#include)\s+\S+$"
            r"|\brm -rf?\b|\|\s*(?:ba)?sh\b|\bprint\(|\bselect\b.+\bfrom\b.+(?:;|\bwhere\b)"
        ),
    ),
)
"""What a query holds only where something else than a query was asked for, whatever its document says."""

_SECRET = re.compile(r"(?=\S*\d)(?=\S*[a-z])[a-z0-9][\w:./#+-]{5,}", re.IGNORECASE)


class Instructed(Telling):
    """Queries that carry out instructions planted in their document: prompt injection (Greshake et al. 2023).

    Any query with an address of the web or of mail, or with code, is dropped. Further rules hold where a document has
    sentences that speak to a model, by ``planted.RULES``, or that seem to: orders without a word in common with the
    rest of the document. A query is dropped that

    - holds a word of such sentences which the rest lacks; where they only seem to, this word must mix letters and
      digits and have six or more: a canary, a key, a code;
    - holds another word of that kind which the title lacks, where they do speak to a model;
    - takes less than ``known`` of its content words from the rest, words with the same beginning counting as one: then
      it does another task, tells the prompt or speaks another language.

    Queries of other documents pass however far they are from the text, since people use other words than a document
    does. So these rules do not see instructions in another language than English, or in the guise of statements and
    wishes ("a good query is …", "I would love to read …"). ``RoundTrip`` drops of those what leads away from the
    document, but not a planted word that no other document holds. A poem about the document's own subject passes,
    too. Where documents rightly speak to models or set writing tasks, honest queries made of such sentences go.

    Args:
        known: least share of content words known to the rest of a document that has such sentences, in (0, 1].
    """

    reason = "follows instructions"

    def __init__(self, known: float = 0.5):
        self.known = share("instructed.known", known)

    def faults(self, written: pl.DataFrame, ground: Ground) -> Sequence[str | None]:
        """``address``, ``code``, ``planted words``, ``token`` or ``off its document``."""
        corpus = ground.domain.corpus
        parts = {row: divided(corpus.titles[row], corpus.texts[row]) for row in written["row"].unique()}
        return [
            first(ANYWHERE, query) or self._carried_out(plain(query), parts[row], corpus.titles[row])
            for row, query in written.select("row", "query").iter_rows()
        ]

    def _carried_out(self, query: str, parts: Parts, title: str) -> str | None:
        if not parts.planted:
            return None
        said, rest = subjects(query), {w for sentence in parts.rest for w in subjects(sentence)}
        strange = {w for sentence in parts.planted for w in subjects(sentence)}.intersection(said) - rest
        if strange and (parts.certain or any(map(_SECRET.fullmatch, strange))):
            return "planted words"
        if parts.certain and any(token not in plain(title).lower() for token in _SECRET.findall(query.lower())):
            return "token"
        stems = {stem(word) for word in rest}
        known = sum(stem(word) in stems for word in said)
        return None if said and known >= self.known * len(said) else "off its document"
