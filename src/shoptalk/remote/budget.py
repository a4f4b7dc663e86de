"""What answering costs, and what it may cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from shoptalk.errors import InputError
from shoptalk.remote.options import Options


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
class Prices:
    """Money per million tokens."""

    input: float
    output: float

    @staticmethod
    def of(given: Mapping[str, object] | None, options: Options) -> "Prices | None":
        """Read the option."""
        if given is None:
            return None
        if not isinstance(given, Mapping) or sorted(given) != ["input", "output"]:
            raise InputError(f"{options.head}.prices are not two; give input and output, each per million tokens.")
        return Prices(
            **{name: options.number(f"prices.{name}", given[name], zero=True) for name in ("input", "output")}
        )

    def money(self, used: Used) -> float:
        """What ``used`` costs."""
        return (used.read * self.input + used.written * self.output) / 1e6


class Budget:
    """What may be spent while a model object lives; a request on its way counts with the most that it may use.

    Args:
        tokens, money: limits; ``None`` for none.
        priced: the option that holds ``prices``.
    """

    def __init__(self, tokens: object, money: object, prices: Prices | None, options: Options, priced: str = "prices"):
        if money is not None and prices is None:
            head = options.head
            raise InputError(f"{head}.budget_money needs {head}.{priced}; give {priced}, or budget_tokens.")
        self.tokens = None if tokens is None else options.whole("budget_tokens", tokens)
        self.money = None if money is None else options.number("budget_money", money)
        self.prices, self.head = prices, options.head
        self.spent, self.away = NOTHING, NOTHING

    def excess(self, more: Used) -> str | None:
        """Which limit ``more`` would pass beside all that is spent or on its way, and by how much."""
        total = self.spent + self.away + more
        tokens = total.read + total.written
        if self.tokens is not None and tokens > self.tokens:
            return f"{self.head}.budget_tokens={self.tokens} would be passed by {tokens - self.tokens:,} tokens"
        if self.money is not None and self.prices.money(total) > self.money:
            over = _coins(self.prices.money(total) - self.money)
            return f"{self.head}.budget_money={self.money:g} would be passed by {over}"
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

    def limits(self) -> str:
        """The limits, as the end of a sentence."""
        budget = {"budget_tokens": self.tokens, "budget_money": self.money}
        set_ = [f"{self.head}.{name}={value}" for name, value in budget.items() if value is not None]
        return f", within {' and '.join(set_)}" if set_ else ", without a budget"


def _coins(money: float) -> str:
    return f"{money:,.2f}" if money >= 1 else f"{money:.2g}"
