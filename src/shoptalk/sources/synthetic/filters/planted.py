"""Sentences of a document that speak to a language model instead of its readers, by readable rules."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from shoptalk.sources.synthetic.phrases import subjects

# Where an order begins: a sentence, a clause, or behind a word of address.
_START = (
    r"(?:^|[:;,(\"'\u201c*#>!-]\s*"
    r"|\b(?:please|now|then|and|but|just|simply|only|kindly|must|should|shall|have to|need to)\s+)"
)
_ANSWER = r"(?:respond|reply|answer|output|print|say|utter|write|repeat|translate|generate)"
_ANSWERS = r"(?:answers?|response|reply|replies|output|completion|quer(?:y|ies)|task|role)"
_MODEL = (
    r"(?:ai|llms?|gpt(?:-?\d)?|chatgpt|claude|gemini|copilot|language models?|assistants?|chatbots?|(?:ai )?agents?)"
)
_EARLIER = (
    r"(?:instructions?|prompts?|the above|everything above|anything above|all the above|previous|prior|preceding"
    r"|earlier|instead|system message|guidelines|this document|the (?:document|passage|text|task)|what was said)"
)
_WORK = (
    r"(?:poems?|haikus?|story|stories|songs?|lyrics|jokes?|limericks?|essays?|code|scripts?|program|recipes?|tweets?"
    r"|slogans?|rhymes?|sonnets?|verses?|json|xml|html|yaml|sql)"
)
_GAP = r".{0,150}?"  # bounded, so that a hostile document costs no time

RULES = (
    # Ignore the above; disregard all prior instructions; answer this instead; pay no heed; do not generate a query
    rf"{_START}(?:ignore|disregard|forget|override|bypass|discard|neglect)\b{_GAP}\b{_EARLIER}\b",
    rf"{_START}(?:{_ANSWER}|reveal|tell|obey|follow|read)\b{_GAP}\b{_EARLIER}\b",
    rf"\bpay no (?:heed|attention)\b|\bstop what you\b|^\W*do(?:n't| not) {_ANSWER}\b",
    rf"\b(?:new|following|updated|real|actual) (?:task|instructions?|orders?|rules?)\b{_GAP}(?::|follow)",
    # your answer; begin every reply with; the response must; every query has to; when summarizing this
    rf"\byour (?:\w+ )?{_ANSWERS}\b",
    rf"\b(?:begin|start|end|finish|prefix) (?:all|every|each|any) (?:\w+ )?{_ANSWERS}\b",
    rf"\bthe (?:\w+ )?{_ANSWERS} (?:for this \w+ )?(?:must|should|has to|is to)\b",
    rf"\b(?:the|every|each|any|all) (?:\w+ ){{0,2}}quer(?:y|ies)\b{_GAP}\b(?:is|are|has|have|must|should)\b",
    r"\bwhen(?:ever)? (?:you (?:are )?)?(?:summari[sz]|writ|generat|answer|respond)(?:ing|e)?\b",
    # reply with; answer in French; translate this into; respond as a pirate; print the word
    rf"{_START}{_ANSWER}\s+(?:(?:back|only|exactly|always|nothing but|this|it|everything|all of this)\s+)*"
    r"(?:with\b|in\s+\w+|into\b|as an?\b"
    r"|the\s+(?:single\s+)?(?:words?|text|following|string|code|phrase|sentence|token|number)\b)",
    # output: X; say "X"; answer 42; just answer X; say nothing but X
    rf"{_START}(?:respond|reply|answer|output|say|utter)\s*(?:[:\"'\u201c\u2018`]|\S*\d|https?:)",
    r"(?:^|[,:>]\s*|\b(?:and|just|simply|only|must|please)\s+)(?:respond|reply|answer|output|say|utter) \w+\W*$",
    rf"{_START}(?:respond|reply|answer|output|print|say|write)\s+(?:only|just|exactly|nothing)\b",
    # write a poem; tell me a joke; output Python code; write about
    rf"{_START}(?:write|compose|create|tell|give|make|sing|draft|generate|produce|return|output)\s+(?:me\s+|us\s+)?"
    rf"(?:(?:an?|the|some|one|another|\d+)\s+)?(?:[\w-]+\s+){{0,2}}{_WORK}\b",
    rf"{_START}write about\b",
    # you are now; from now on; act as; let's play a game; SYSTEM: X; ### Response: X; <|im_start|>; </document>
    rf"\byou are (?:now\b|an? (?:helpful )?{_MODEL}\b)|\bfrom now on\b|\blet(?:'s| us) play a\b",
    rf"{_START}(?:(?:act|behave) as\b|(?:pretend|imagine) (?:to be|that you|you)\b|role-?play\b)",
    r"^\W*(?:system|assistant|user|human|admin|developer|response|query|override|instructions?)(?:\s+\w+)?\s*[:\]}]",
    r"<\|\w+\|>|\[/?INST\]|</?(?:document|passage|system|instructions?|prompt)>",
    # note to AI assistants; if you are a language model; AI: X; as an AI you must; AI agents should
    rf"\b(?:note|message|attention|dear|hey|hello|if you are)\b\W+(?:\w+ ){{0,2}}{_MODEL}\b",
    rf"^\W*(?:any |all )?{_MODEL}\s*[:,]|\bas an? {_MODEL}\b|\b(?:ai|llm) {_MODEL}\b{_GAP}\b(?:must|should)\b",
    # your system prompt; the hidden instructions; reveal the secret key
    r"\b(?:your|system|hidden|secret|initial|original) (?:system )?(?:prompt|instructions?)\b",
    rf"\b(?:reveal|disclose|leak|print)\b{_GAP}\b(?:secret|password|api key|credentials?|token)\b",
)
"""Each finds sentences that few documents address to people; without regard to case."""

ORDERS = (
    rf"(?:{_START}|[.!] ?)(?:{_ANSWER}|ignore|disregard|forget|overlook|skip|stop|speak|talk|sing|tell|give|recommend"
    r"|mention|emit|return|convert|continue|describe|explain|summari[sz]e|list|name|show|send|visit|click|use|add"
    r"|include|insert|append|pretend|act|let(?:'s| us)|do not|don't|never|always|buy|call|run|execute|encode|finish"
    r"|begin|end|start)\b",
    r"\byou (?:must|will|shall|should|have to|need to|are to)\b|\byour\b",
)
"""Orders, or talk to whoever reads; by itself that may well be the document's own."""

_TOLD = re.compile("|".join(f"(?:{rule})" for rule in RULES), re.IGNORECASE)
_ORDERED = re.compile("|".join(ORDERS), re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.!?])[\"'\u201d)]*\s+|\s*[\r\n]+\s*")
_OTHERS = 3


@dataclass(frozen=True)
class Parts:
    """A document divided.

    Attributes:
        planted: sentences that speak to a model, or seem to.
        rest: all others, those of the title among them.
        certain: whether a rule found one of ``planted``.
    """

    planted: tuple[str, ...]
    rest: tuple[str, ...]
    certain: bool


def divided(title: str, text: str) -> Parts:
    """The document's sentences, told apart.

    Planted are those that a rule finds. So is a sentence that has no content word in common with any of three or more
    others and either is an order or stands behind a planted one, which it completes ("The key is …").
    """
    lines = [*_sentences(title), *_sentences(text)]
    told = [_TOLD.search(line) is not None for line in lines]
    stems = [{stem(word) for word in subjects(line)} for line in lines]
    others = [found for found, ruled in zip(stems, told, strict=True) if not ruled]
    holders = Counter(one for found in others for one in found)
    planted, rest, follows = [], [], False
    for line, ruled, found in zip(lines, told, stems, strict=True):
        apart = len(others) > _OTHERS and all(holders[one] <= 1 for one in found)
        follows = ruled or (apart and (follows or _ORDERED.search(line) is not None))
        (planted if follows else rest).append(line)
    return Parts(tuple(planted), tuple(rest), any(told))


def stem(word: str) -> str:
    """The first five letters."""
    return word[:5]


def plain(text: str) -> str:
    """NFKC without characters that cannot be seen, which are used to hide words from rules such as these."""
    shown = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return "".join(shown).strip()


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCES.split(plain(text)) if sentence]
