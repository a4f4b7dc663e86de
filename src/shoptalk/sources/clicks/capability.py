"""What a log tells, and therefore what can be asked of it.

Four levels: L0 pairs that were clicked; L1 impressions with ranks, so that rates exist; L2 the same document
at different ranks, so that the bias of ranks can be estimated; L3 people and times, so that sessions can be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shoptalk.errors import InputError

LEVELS = (
    ("L0", "clicked pairs", "counts of clicks; nothing can be corrected for position"),
    ("L1", "impressions with ranks", "click rates, and propensities given by hand"),
    ("L2", "documents seen at several ranks", "propensities estimated from the log"),
    ("L3", "people, times and what followed", "bots by pace, dwell, reformulations, query chains"),
)
"""Level, what it needs, what it allows."""

PEOPLE = ("user_key", "session_id")


@dataclass(frozen=True)
class Capability:
    """What one log tells.

    Attributes:
        told: columns of ``log.COLUMNS`` that hold values of the log's own.
        unclicked: some impressions without a click are there. varied: pairs that were shown at two ranks or more.
    """

    told: frozenset[str]
    unclicked: bool
    varied: int

    @property
    def level(self) -> str:
        """The highest of ``LEVELS`` that this log and all levels below it reach."""
        reached = [True, self._ranked, self._ranked and self.varied > 0]
        reached.append(reached[-1] and self._followed)
        return LEVELS[sum(reached) - 1][0]

    def lacks(self) -> list[tuple[str, str]]:
        """Per level that is not reached by itself: the level and, in words, what would reach it."""
        missing = []
        if not self._ranked:
            columns = [c for c in ("position",) if c not in self.told]
            missing.append(("L1", _listed(columns) or "rows of impressions that nobody clicked"))
        if not self.varied:
            missing.append(("L2", "the same query and document at different ranks (several rankers, or a random slot)"))
        if not self._followed:
            wanted = [_either(PEOPLE)] * (not self.told & set(PEOPLE)) + ["'ts_ms'"] * ("ts_ms" not in self.told)
            missing.append(("L3", " and ".join(wanted)))
        return missing

    def require(self, level: str, stage: str, mend: str = "") -> None:
        """Refuse ``stage`` on a log below ``level``.

        Raises:
            InputError: with what is missing.
        """
        names = [name for name, _, _ in LEVELS]
        if names.index(self.level) < names.index(level):
            wanted = next(what for name, what in self.lacks() if name <= level)
            raise InputError(
                f"{stage} needs a click log of level {level} and this one is {self.level}: add {wanted}{mend}."
            )

    def table(self) -> list[tuple[str, bool, str]]:
        """For people: level and what it needs, whether this log reaches it, what it allows or what is missing."""
        missing = dict(self.lacks())
        return [
            (f"{name}: {needs}", name not in missing, allows if name not in missing else f"missing: {missing[name]}")
            for name, needs, allows in LEVELS
        ]

    @property
    def _ranked(self) -> bool:
        return "position" in self.told and self.unclicked

    @property
    def _followed(self) -> bool:
        return "ts_ms" in self.told and bool(self.told & set(PEOPLE))


def _listed(columns: Sequence[str]) -> str:
    return " and ".join(f"the column '{c}'" for c in columns)


def _either(columns: Sequence[str]) -> str:
    return " or ".join(f"'{c}'" for c in columns)
