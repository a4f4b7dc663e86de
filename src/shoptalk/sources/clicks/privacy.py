"""Personal data in queries, replaced by what kind it was."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from shoptalk.errors import InputError
from shoptalk.sources.clicks.national_ids import NATIONAL_IDS
from shoptalk.sources.clicks.personal_data import PERSONAL_DATA, Rule

_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join((*PERSONAL_DATA, *NATIONAL_IDS))})\]")
# No kind does without: an address has an at, three dots or two colons, any number six digits. Most queries have none.
_PROMISING = re.compile(r"@|(?:[0-9][^0-9]*){6}|(?:[0-9][^.]*\.){3}|:[^:]*:")


@dataclass(frozen=True)
class Privacy:
    """What counts as personal data. Names, addresses of houses and what only context gives away are not found.

    Attributes:
        patterns: kinds of `personal_data.PERSONAL_DATA`. national_ids: kinds of `national_ids.NATIONAL_IDS`, each to
            be asked for, since other numbers of a shop may look like them.

    Raises:
        InputError: a kind is not known.
    """

    patterns: Sequence[str] = ("email", "phone", "card", "iban", "ip")
    national_ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, known in (("patterns", PERSONAL_DATA), ("national_ids", NATIONAL_IDS)):
            strange = [kind for kind in getattr(self, name) if kind not in known]
            if strange:
                raise InputError(f"privacy.{name} names '{strange[0]}'; there are {', '.join(known)}.")
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def redact(self, text: str) -> tuple[str, tuple[str, ...]]:
        """``text`` with ``[kind]`` in place of personal data, and the kinds found, in the order of the rules.

        What is redacted already stays as it is.
        """
        found: set[str] = set()
        before = None
        while text != before:  # what is replaced may uncover what it touched
            before = text
            for kind, rule in _rules(self.patterns, self.national_ids):
                text, some = _replaced(text, kind, rule)
                found |= some
        return text, tuple(kind for kind, _ in _rules(self.patterns, self.national_ids) if kind in found)

    def personal_only(self, text: str) -> bool:
        """Whether a redacted ``text`` holds placeholders and no other word."""
        rest, placeholders = _PLACEHOLDER.subn(" ", text)
        return placeholders > 0 and not re.search(r"\w", rest)


@cache
def _rules(patterns: tuple[str, ...], national_ids: tuple[str, ...]) -> list[tuple[str, Rule]]:
    """The kinds asked for, in the order in which they apply: those with a checksum before phone numbers."""
    known = PERSONAL_DATA | NATIONAL_IDS
    asked = [kind for kind in known if kind in (*patterns, *national_ids)]
    return [(kind, known[kind]) for kind in sorted(asked, key=lambda kind: kind == "phone")]


def _replaced(text: str, kind: str, rule: Rule) -> tuple[str, set[str]]:
    plain = text if text.isascii() else text.translate(_plain_characters())
    if not _PROMISING.search(plain):
        return text, set()
    parts, end = [], 0
    for start, stop in sorted(rule.spans(plain), key=lambda span: (span[0], -span[1])):
        if start >= end:
            parts += [text[end:start], f"[{kind}]"]
            end = stop
    return "".join([*parts, text[end:]]), {kind} if parts else set()


@cache
def _plain_characters() -> dict[int, str]:
    """Digits, spaces, dashes and signs of all scripts to the plain ones, one for one."""
    table = {
        ord(c): plain for c, plain in zip("\u017f\u212a\u0131\u0130", "skii", strict=True)
    }  # as patterns without case read them
    for code in range(128, sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            table[code] = str(unicodedata.digit(character))
        elif category in ("Zs", "Pd"):
            table[code] = " " if category == "Zs" else "-"
        elif 0xFF01 <= code <= 0xFF5E:
            table[code] = chr(code - 0xFEE0)
    return table
