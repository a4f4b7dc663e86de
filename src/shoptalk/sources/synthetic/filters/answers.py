"""What a language model writes in place of a query."""

import re
from collections.abc import Sequence

import polars as pl

from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.filters.base import Rules, Telling, first

_TALK = r"(?:help|assist|provide|fulfil|comply|answer|generate|write|create|respond|complete|produce|do that|share)"
_HERE = r"(?:here(?:'s|\s+is|\s+are)?|i(?:'ll|'d|\s+can|\s+will|\s+would)?|let\s+me|the|this|below)"

RULES: Rules = (
    ("several lines", re.compile(r"[\r\n]")),
    # ```sql …```, `a word`
    ("code fence", re.compile(r"```|^`[^`]+`$")),
    # # heading, > quoted, **bold**, [text](address), | a | table |
    ("markdown", re.compile(r"^(?:#{1,6}|>)\s|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]*\)|^\|.*\|$")),
    # an object or an array with something quoted in it, or a bare "key": "value"
    ("JSON", re.compile(r"^[\[{][^\"']*[\"'].*[\]}]$|^\"\w+\"\s*:")),
    # - one, * one, 1. one, 1) one, (a) one
    ("list", re.compile(r"^(?:[-*+\u2022\u2013]\s|\d{1,2}[.)]\s|\(?[a-z]\)\s)", re.IGNORECASE)),
    # <|im_end|>, <think>, [INST], <s>
    ("chat markup", re.compile(r"<\|\w+\|>|</?(?:think|answer|query|document|s)>|\[/?INST\]", re.IGNORECASE)),
    # [insert topic], <your query>, {title}
    ("placeholder", re.compile(r"[\[<{](?:insert|your|query|topic|title|document|name)\b[^\[\]<>{}]*[\]>}]", re.I)),
    # Query: …, Search query 1: …, Answer: …
    (
        "label",
        re.compile(r"^(?:(?:search\s+|user\s+)?query|question|answer|response|output|assistant)\s*\d*\s*:", re.I),
    ),
    # Sure, here …; Of course! …; Okay, …
    ("explanation", re.compile(rf"^(?:sure|certainly|of course|absolutely|okay|ok|great)\s*[,!.:]\s+{_HERE}\b", re.I)),
    # Here is a search query; Here are five questions
    ("explanation", re.compile(r"^here(?:'s|\s+is|\s+are)\b.*\b(?:quer(?:y|ies)|questions?|search|examples?)\b", re.I)),
    # As an AI, …; I am an AI assistant
    (
        "explanation",
        re.compile(r"\bas an? (?:ai|(?:large )?language model)\b|^i(?:'m| am) an? (?:ai|language)\b", re.I),
    ),
    # Based on the document, …; This query …; The document describes …
    (
        "explanation",
        re.compile(r"^based on the (?:document|passage|text|title)\b|^(?:this|the) (?:search )?query\b", re.I),
    ),
    # I cannot help with …, I'm unable to write …; but not "I cannot log in", which people ask
    (
        "refusal",
        re.compile(
            rf"^(?:i|we)(?:'m| am)? (?:cannot|can't|can not|could not|won't|not able to|unable to) {_TALK}", re.I
        ),
    ),
    ("refusal", re.compile(r"^(?:i'?m |i am )?sorry\s*,?\s+(?:but\s+)?(?:i|there|this|the)\b|^i apologi[sz]e\b", re.I)),
    ("refusal", re.compile(r"^(?:n/a|none|null|no (?:search )?query|not applicable)[.!]?$", re.IGNORECASE)),
    # the task told back: You are a …, Write one search query …
    ("task", re.compile(r"^(?:you are an?|your task)\b|^(?:write|generate)\b.*\bquer(?:y|ies)\b", re.IGNORECASE)),
    (
        "quotes",
        re.compile(r"^[\"'\u201c\u201e\u201f\u00ab\u2018][^\"\u201c\u201d\u00bb]*[\"'\u201d\u201c\u00bb\u2019]$"),
    ),
)


class NoQuery(Telling):
    """Answers in which a model explains itself, refuses, lists or formats, by the readable rules of ``RULES``.

    Each rule is about marks that people seldom type into a search box; what in doubt could be a query is kept.
    A numbered name such as "1. FC" is taken for a list.
    """

    reason = "no query"

    def faults(self, written: pl.DataFrame, ground: Ground) -> Sequence[str | None]:
        """The first rule that fits the answer without white space around it."""
        return [first(RULES, query.strip()) for query in written["query"]]
