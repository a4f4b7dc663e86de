"""The generator that lets a language model write, and keeps whatever it answered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shoptalk.sources.pairs import Voice
from shoptalk.sources.synthetic.generators import Written
from shoptalk.sources.synthetic.language import Answer, LanguageModel, Prompt
from shoptalk.sources.synthetic.material import Material, Order
from shoptalk.sources.synthetic.prompts import Bound, Template
from shoptalk.sources.synthetic.store import Answers


class LanguageModelGenerator:
    """Asks a language model for each query.

    Args:
        model: who answers.
        prompt: what it is asked.
        name: of this way to write, which counts tell kept queries by.
    """

    def __init__(self, model: LanguageModel, prompt: Template, name: str = "llm"):
        self.model, self.prompt, self.name = model, prompt, name

    def prepared(self, material: Material) -> "LanguageModelWriter":
        """A writer that shows real queries of ``material`` and keeps answers in its cache."""
        answers = Answers.of(material.cache, self.model.identity)
        return LanguageModelWriter(self.model, self.prompt.bound(material), answers, self.name, material.voice)


@dataclass(frozen=True)
class LanguageModelWriter:
    """A language model, bound to one corpus."""

    model: LanguageModel
    prompt: Bound
    kept: Answers
    name: str
    voice: Voice

    def write(self, orders: Sequence[Order], seed: int) -> list[list[Written]]:
        """One query for each form of each order; where there is none its ``fault`` says why."""
        empty = [not f"{order.title}{order.text}".strip() for order in orders]
        nothing = Written("", self.name, "the document is empty")
        told = [[nothing] * (len(order.forms) * bare) for order, bare in zip(orders, empty, strict=True)]
        places = [(k, number) for k, order in enumerate(orders) if not empty[k] for number in range(len(order.forms))]
        prompts = [self.prompt(orders[place], number, seed) for place, number in places]
        for (place, _), answer in zip(places, self._answered(prompts), strict=True):
            query = self.prompt.template.query(answer.text or "")
            told[place].append(Written(query, self.name, "" if query else answer.fault or "the answer holds no query"))
        return told

    def _answered(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """Per prompt its answer, those not asked before asked now."""
        found = self.kept.find(prompts)
        missing = [place for place in range(len(prompts)) if place not in found]
        if found:
            self.voice.say(f"{len(found):,} of {len(prompts):,} queries were written before and are taken as they are.")
        if missing:
            asked = [prompts[place] for place in missing]
            self.voice.say(self.model.plan(asked))
            self.kept.keep(self._asked(asked, missing, found))
        return [found[place] for place in range(len(prompts))]

    def _asked(
        self, asked: Sequence[Prompt], places: Sequence[int], found: dict[int, Answer]
    ) -> Iterator[tuple[Prompt, Answer]]:
        """What the model answers, added to ``found``; given on where it is worth keeping."""
        for number, answer in self.model.answers(asked, self.voice):
            found[places[number]] = answer
            if answer.lasting:
                yield asked[number], answer
