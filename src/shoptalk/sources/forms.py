"""What a query looks like, by readable rules: its form, whatever the domain."""

import re
from collections.abc import Mapping, Sequence

from shoptalk.errors import InputError

_ASKING = r"what|which|who|whom|whose|when|where|why|how"
_DOING = r"is|are|was|were|do|does|did|can|could|should|would|will"
_VERB = r"is|are|was|were|be|been|has|have|had|does|do|can|cannot|could|will|would|should|may|must"

RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    # ends with a question mark, or opens as a question and goes on
    ("question", re.compile(rf"\?\s*$|^({_ASKING})('s)?\s+\S|^({_DOING})\s+\S+\s+\S", re.IGNORECASE)),
    # one token with digits and no run of three or more lower-case letters: HP:0001234, ISO-9001, E11.9, 2024/17
    ("identifier", re.compile(r"^(?=\S*\d)(?!\S*[a-z]{3})[\w#][\w:./#+-]*$")),
    # letters, a separator, then digits in whatever case: error-404, cve_2021_44228
    ("identifier", re.compile(r"^[A-Za-z]+[-_:#/.]\d[\w:./#-]*$")),
    # one short token with two capitals or more and no run of three lower-case letters: AMoL, ADHD, T-ALL, R&D
    ("abbreviation", re.compile(r"^(?=(?:\S*[A-Z]){2})(?!\S*[a-z]{3})[A-Za-z][A-Za-z.&/+-]{1,9}$")),
    # dotted letters: e.g., u.s.
    ("abbreviation", re.compile(r"^(?:[A-Za-z]\.){2,}[A-Za-z]?$")),
    # four words or more, closed like a sentence
    ("sentence", re.compile(r"^(?:\S+\s+){3,}\S*[.!]$")),
    # four words or more with a finite verb inside
    ("sentence", re.compile(rf"^(?=(?:\S+\s+){{3,}})\S+\s.*\b({_VERB})\b\s+\S", re.IGNORECASE)),
)
"""Tried from the top; the first that matches names the form."""


class Forms:
    """Names the form of a query: ``keyword``, ``question``, ``identifier``, ``abbreviation``, ``sentence``, or yours.

    Args:
        before: rules tried before ``RULES``, from the top: ``form`` and ``pattern``, a regular expression that is
            searched in the query with its white space folded.
    """

    def __init__(self, before: Sequence[Mapping[str, str]] = ()):
        self.rules = (*(_rule(number, rule) for number, rule in enumerate(before)), *RULES)

    @property
    def names(self) -> tuple[str, ...]:
        """All forms that a query can have."""
        return tuple(dict.fromkeys(["keyword", *(name for name, _ in self.rules)]))

    def __call__(self, query: str) -> str:
        """The form of the first rule that matches, else ``keyword``."""
        text = " ".join(query.split())
        return next((name for name, rule in self.rules if rule.search(text)), "keyword")


form = Forms()
"""By ``RULES`` alone."""


def _rule(number: int, rule: Mapping[str, str]) -> tuple[str, re.Pattern[str]]:
    if set(rule) != {"form", "pattern"} or not rule["form"]:
        raise InputError(f"forms.before.{number} must hold a form and a pattern, and nothing else.")
    try:
        return rule["form"], re.compile(rule["pattern"])
    except re.error as error:
        raise InputError(f"forms.before.{number}.pattern cannot be read: {error}.") from error
