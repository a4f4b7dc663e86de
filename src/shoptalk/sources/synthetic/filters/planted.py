"""Sentences of a document that speak to a language model instead of its readers, by readable rules."""

import re
import unicodedata
from dataclasses import dataclass

from shoptalk.sources.synthetic.filters.base import Rules, first

# Where an order begins: a sentence, a clause, or behind a word of address.
_START = (
    r"(?:^|[:,;(\"'\u201c*#>!-]\s*|\b(?:please|now|then|and|but|just|simply|only|must|should|shall|will|you|to|do not"
    r"|don't|never)\s+)"
)
_ORDER = (
    r"(?:ignore|disregard|forget|override|bypass|skip|discard|drop|neglect|respond|reply|answer|output|print|return|write"
    r"|say|repeat|reveal|show|tell|translate|pretend|act|behave|generate|produce|include|append|insert|follow|obey|stop"
    r"|summari[sz]e|execute|run)"
)
_ABOUT = (
    r"(?:instructions?|prompts?|the (?:above|below)|everything above|anything above|all (?:of )?the above|previous"
    r"|prior|preceding|earlier|instead|assistant|chatbot|system (?:message|prompt)|language model|guidelines|this task"
    r"|the task|your (?:task|rules?|role))"
)
_WORK = (
    r"(?:poems?|haikus?|story|stories|songs?|lyrics|jokes?|limericks?|essays?|letters?|e-?mails?|code|scripts?|function"
    r"|program|recipes?|tweets?|slogans?|rhymes?|sonnets?|verses?|json|xml|html|yaml|sql)"
)

RULES: Rules = (
    # Ignore the above …; please disregard all prior instructions; answer this instead
    ("order about the task", re.compile(rf"{_START}{_ORDER}\b.*\b{_ABOUT}\b", re.IGNORECASE)),
    # Respond in JSON; reply only with …; say "…"; output: …; repeat the word …
    (
        "dictated answer",
        re.compile(
            rf"{_START}(?:respond|reply|answer|output|print|return|say|repeat|translate|write|generate)\s+"
            r"(?:(?:back|only|just|exactly|always|nothing but|your answer|this|it|everything)\s*)*"
            r"(?:with\b|in\s+\w+|into\b|as\b|the\s+(?:word|words|text|following|string|code|phrase|sentence|token)\b"
            r"|[:\"'\u201c\u2018`]|\S*\d|https?:)",
            re.IGNORECASE,
        ),
    ),
    # Reply only …; say nothing but …
    (
        "dictated answer",
        re.compile(rf"{_START}(?:respond|reply|answer|output|print|say)\s+(?:only|just|nothing)\b", re.I),
    ),
    # Write a poem about …
    (
        "other work",
        re.compile(
            rf"{_START}(?:write|compose|create|tell|give|make|sing|draft|generate|produce|return|output)\s+(?:\w+\s+)?"
            rf"(?:an?|the|some|one|another|your|\d+)?\s*(?:[\w-]+\s+){{0,2}}{_WORK}\b",
            re.IGNORECASE,
        ),
    ),
    # You are now …; you are an AI; from now on you …
    (
        "role",
        re.compile(r"\byou are (?:now\b|an? (?:ai|assistant|chatbot|language model|helpful))|\bfrom now on\b", re.I),
    ),
    # SYSTEM: …; <|im_start|>; [INST]; ### Instruction
    (
        "role",
        re.compile(r"^\W*(?:system|assistant|user|admin(?:istrator)?|developer)\s*(?:message|prompt|note)?\s*:", re.I),
    ),
    (
        "role",
        re.compile(r"<\|\w+\|>|\[/?INST\]|^\W*(?:new |updated )?instructions?\s*:|^#+\s*instruction", re.IGNORECASE),
    ),
    # Note to any AI model: …; if you are a language model
    (
        "address",
        re.compile(
            r"\b(?:to|for|dear|attention|hey|hello|if you are)\s+(?:\w+\s+){0,2}"
            r"(?:ai|llms?|language models?|assistants?|chatbots?)\b",
            re.IGNORECASE,
        ),
    ),
    # your system prompt; the hidden instructions
    (
        "task",
        re.compile(r"\b(?:your|system|hidden|secret|initial|original) (?:system )?(?:prompt|instructions?)\b", re.I),
    ),
)

_SENTENCES = re.compile(r"(?<=[.!?])[\"'\u201d)]*\s+|\s*[\r\n]+\s*")


@dataclass(frozen=True)
class Parts:
    """A document divided.

    Attributes:
        planted: sentences that address a model, and with each the one behind it, which often completes it.
        rest: all others, those of the title among them.
    """

    planted: tuple[str, ...]
    rest: tuple[str, ...]


def divided(title: str, text: str) -> Parts:
    """The document's sentences, told apart."""
    planted: list[str] = []
    rest: list[str] = []
    for field in (title, text):
        follows = False
        for sentence in filter(None, _SENTENCES.split(plain(field))):
            found = first(RULES, sentence) is not None
            (planted if found or follows else rest).append(sentence)
            follows = found
    return Parts(tuple(planted), tuple(rest))


def plain(text: str) -> str:
    """NFKC without characters that cannot be seen, which are used to hide words from rules such as these."""
    shown = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return "".join(shown).strip()
