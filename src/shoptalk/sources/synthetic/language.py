"""Language models as the generators see them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from shoptalk.sources.pairs import Voice


@dataclass(frozen=True)
class Prompt:
    """What a model is asked.

    Attributes:
        prefix: instructions and examples, the same for many documents; an API's system message.
        rest: the document and what is wanted for it; the user's message.
        seed: decides what is drawn for this prompt, in [0, 2**31).
    """

    prefix: str
    rest: str
    seed: int


@dataclass(frozen=True)
class Answer:
    """What a model made of a prompt.

    Attributes:
        text: what it wrote; ``None`` where it wrote nothing.
        fault: why ``text`` is ``None``.
        lasting: asking again would give the same; a fault that passes is not kept.
    """

    text: str | None
    fault: str = ""
    lasting: bool = True


class LanguageModel(Protocol):
    """Answers prompts.

    Attributes:
        identity: hash of all that decides an answer beside its prompt: the model and how it is sampled.
    """

    identity: str

    def plan(self, prompts: Sequence[Prompt]) -> str:
        """What answering will take (tokens, money, the model's licence), in a sentence, before anything is spent.

        Raises:
            InputError: it must not be spent, as the budget is smaller; or the model cannot be had.
        """
        ...

    def answers(self, prompts: Sequence[Prompt], voice: Voice) -> Iterator[tuple[int, Answer]]:
        """``(place in prompts, answer)`` of each prompt exactly once, as they come, in any order.

        Whoever iterates keeps each answer at once, so that a run that is stopped pays for nothing twice.

        Raises:
            InputError: the model cannot go on; what was answered until then has been given.
        """
        ...
