"""Prompts: a template, bound to the examples, the glossary and the habits of a domain."""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.sources.synthetic import glossary
from shoptalk.sources.synthetic.examples import drawn
from shoptalk.sources.synthetic.language import Prompt
from shoptalk.sources.synthetic.material import Material, Order

_FENCE = re.compile(r"</?document>", re.IGNORECASE)
_PLACES = {
    "instruction": {"form", "habits"},
    "shot": {"document", "query", "form"},
    "asked": {"document", "form", "glossary"},
}
_NEEDED = {"instruction": set(), "shot": {"document", "query"}, "asked": {"document"}}
_FREE = "any"


@dataclass(frozen=True)
class Template:
    """How a document becomes a prompt.

    Everything but ``asked`` is the same for all documents of a form, so that a local model reads it once.

    Attributes:
        instruction: what the model shall do; may hold {form} and {habits}.
        asked: ends the prompt; holds {document}, which stands between <document> and </document>, and may hold {form}
            and {glossary}.
        shot: one example; holds {document} and {query}, and may hold {form}. ``None`` shows none.
        examples: how many are shown, 0 or more; they are real training queries, never evaluation queries.
        forms: form of ``sources.forms`` to the words that say it; ``any`` where no form is asked for.
        words: of a document that are shown, the first ones.
        marker: the query is what an answer holds behind the last of these; ``None`` takes the whole answer.
        variants: different choices of examples; a document gets one of them.
    """

    instruction: str
    asked: str
    shot: str | None = None
    examples: int = 0
    forms: Mapping[str, str] = field(default_factory=dict)
    words: int = 80
    marker: str | None = None
    variants: int = 1

    def __post_init__(self):
        for name in _PLACES:
            if (text := getattr(self, name)) is not None:
                _check(name, text)
        for name, least in (("examples", 0), ("words", 1), ("variants", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"generator.prompt.{name}={value} must be a whole number of {least} or more.")
        if self.examples and self.shot is None:
            raise InputError("generator.prompt.examples asks for examples and generator.prompt.shot is null: give it "
                             "a text with {document} and {query}, or set examples to 0.")  # fmt: skip

    def bound(self, material: Material) -> "Bound":
        """The template with what is shown of ``material``."""
        return Bound(self, material)

    def said(self, form: str | None) -> str:
        """The words for a form."""
        return self.forms.get(form or _FREE, form or "a search query")

    def query(self, answer: str) -> str:
        """The query that an answer holds; empty where it holds none."""
        if self.marker is not None:
            found = answer.rpartition(self.marker)
            answer = found[2] if found[1] else ""
        return answer.strip().strip("\"'“”").strip()


class Bound:
    """A template over one domain."""

    def __init__(self, template: Template, material: Material):
        self.template, self.material = template, material
        self._prefixes: dict[tuple[str | None, int], str] = {}

    def __call__(self, order: Order, number: int, seed: int) -> Prompt:
        """The prompt for query ``number`` of an order."""
        template, form = self.template, order.forms[number]
        item = digest("prompt", seed, order.title, order.text, number)
        variant = int(item[:8], 16) % template.variants
        document = f"{order.title}. {order.text}" if order.title and order.text else order.title or order.text
        rest = template.asked.format(
            document=self._fenced(document), form=template.said(form), glossary=self._glossary(document)
        )
        return Prompt(self._prefix(form, variant), rest, int(item[8:16], 16) % 2**31)

    def _prefix(self, form: str | None, variant: int) -> str:
        if (form, variant) not in self._prefixes:
            shots = self._shots(form, variant) if self.template.examples else ""
            said = self.template.said(form)
            self._prefixes[form, variant] = self.template.instruction.format(form=said, habits=self._habits) + shots
        return self._prefixes[form, variant]

    def _shots(self, form: str | None, variant: int) -> str:
        corpus, real = self.material.corpus, self.material.real
        shown = drawn(real, form, self.material.embed, self.template.examples, ("shots", self.material.seed, variant))
        return "".join(
            self.template.shot.format(
                document=self._fenced(corpus.passages[corpus.index[doc_id]]), query=query, form=self.template.said(own)
            )
            for query, doc_id, own in shown.select("query", "doc_id", "query_form").iter_rows()
        )

    def _fenced(self, document: str) -> str:
        """A document is data: it must not be able to close its fence."""
        told = " ".join(_FENCE.sub(" ", document).split()[: self.template.words])
        return f"<document>{told}</document>"

    @cached_property
    def _habits(self) -> str:
        queries = self.material.real["query"].to_list()
        return glossary.habits(queries) if queries else ""

    @cached_property
    def _known(self) -> dict[str, str]:
        corpus = self.material.corpus
        return glossary.abbreviations(corpus.passages) | glossary.other_words(self.material.real, corpus)

    def _glossary(self, document: str) -> str:
        if "{glossary}" not in self.template.asked:
            return ""
        about = glossary.lines(document, self._known)
        return "People write: " + "; ".join(about) + "." if about else ""


def _check(name: str, text: str) -> None:
    try:
        there = {place for _, place, _, _ in string.Formatter().parse(text) if place is not None}
    except ValueError as error:
        raise InputError(f"generator.prompt.{name} cannot be read: {error}; write {{{{ for a brace.") from error
    if missing := _NEEDED[name] - there:
        raise InputError(f"generator.prompt.{name} lacks {{{sorted(missing)[0]}}}: without it no prompt can be made.")
    if unknown := there - _PLACES[name]:
        known = ", ".join(f"{{{place}}}" for place in sorted(_PLACES[name]))
        raise InputError(f"generator.prompt.{name} holds {{{sorted(unknown)[0]}}}, which is none of {known}.")
