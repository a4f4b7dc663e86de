"""What answering costs, and what it may cost."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shoptalk.errors import InputError
from shoptalk.sources.synthetic.api.options import number
from shoptalk.sources.synthetic.language import Prompt

FRAME = 12  # tokens that a chat template puts around two messages, about


@dataclass(frozen=True)
class Used:
    """Tokens read and written."""

    read: int = 0
    written: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(self.read + other.read, self.written + other.written)

    def __sub__(self, other: "Used") -> "Used":
        return Used(self.read - other.read, self.written - other.written)


NOTHING = Used()


@dataclass(frozen=True)
class Estimate:
    """The most that a prompt may use, as far as its characters tell."""

    characters_per_token: float
    max_tokens: int

    def worst(self, prompt: Prompt) -> Used:
        """Its characters as tokens, and an answer as long as is allowed."""
        characters = len(prompt.prefix) + len(prompt.rest)
        return Used(math.ceil(characters / self.characters_per_token) + FRAME, self.max_tokens)


@dataclass(frozen=True)
class Prices:
    """Money per million tokens."""

    input: float
    output: float

    @staticmethod
    def of(given: Mapping[str, object] | None) -> "Prices | None":
        """Read the option."""
        if given is None:
            return None
        if not isinstance(given, Mapping) or sorted(given) != ["input", "output"]:
            raise InputError("generator.model.prices are not two; give input and output, each per million tokens.")
        return Prices(**{name: number(f"prices.{name}", given[name], zero=True) for name in ("input", "output")})

    def money(self, used: Used) -> float:
        """What ``used`` costs."""
        return (used.read * self.input + used.written * self.output) / 1e6


class Budget:
    """What may be spent while a model object lives; a request on its way counts with the most that it may use."""

    def __init__(self, tokens: int | None, money: float | None, prices: Prices | None):
        if money is not None and prices is None:
            raise InputError("generator.model.budget_money needs generator.model.prices; give them, or budget_tokens.")
        self.tokens, self.money, self.prices = tokens, money, prices
        self.spent, self.away = NOTHING, NOTHING

    def excess(self, more: Used) -> str | None:
        """Which limit ``more`` would pass beside all that is spent or on its way, and by how much."""
        total = self.spent + self.away + more
        tokens = total.read + total.written
        if self.tokens is not None and tokens > self.tokens:
            return f"generator.model.budget_tokens={self.tokens} would be passed by {tokens - self.tokens:,} tokens"
        if self.money is not None and self.prices.money(total) > self.money:
            over = _coins(self.prices.money(total) - self.money)
            return f"generator.model.budget_money={self.money:g} would be passed by {over}"
        return None

    def send(self, worst: Used) -> None:
        """A request that may use ``worst`` goes out."""
        self.away += worst

    def settle(self, worst: Used, used: Used) -> None:
        """It came back and used ``used``."""
        self.away -= worst
        self.spent += used

    def said(self, used: Used) -> str:
        """``used`` in money; nothing where prices are not known."""
        return f", {_coins(self.prices.money(used))} in money" if self.prices else ""


def _coins(money: float) -> str:
    return f"{money:,.2f}" if money >= 1 else f"{money:.2g}"
