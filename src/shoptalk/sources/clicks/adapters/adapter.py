"""What every adapter does: know its kind of log, and turn it into the one schema."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from shoptalk.errors import InputError


@dataclass(frozen=True)
class Converted:
    """A log in the one schema.

    Attributes:
        files: all of one format; columns are among ``log.COLUMNS``.
        told: the columns whose values come from the log and were not made up.
        counts: ``rows_read`` of the input, ``rows_made``, and what was left out on the way, by kind.
        notices: sentences about what the user should know.
        position_shift: what is still to be added to positions so that they count from 1.
    """

    files: tuple[Path, ...]
    told: frozenset[str]
    counts: dict[str, int] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    position_shift: int = 0


class Adapter(Protocol):
    """Reads one kind of log. Adapters are dataclasses: their fields decide what they make of a file."""

    needs: ClassVar[str]
    """What a log of this kind looks like, in words."""

    def recognises(self, files: Sequence[Path]) -> bool:
        """Whether names and first rows look like this kind of log.

        Raises:
            InputError: a file cannot be read.
        """
        ...

    def convert(self, files: Sequence[Path], position_base: int | None, folder: Path) -> Converted:
        """The log in the one schema, written into ``folder`` where it is not so already.

        Args:
            files: as `files.log_files` gives them. position_base: the number of the first rank, 0 or 1; ``None``
                where nobody said. folder: exists, is empty, and may be filled.

        Raises:
            InputError: the files do not hold such a log, or hold a value that cannot be.
        """
        ...


def check_base(position_base: int | None) -> None:
    """Refuse a number for the first rank that is neither 0 nor 1."""
    if position_base not in (None, 0, 1):
        raise InputError(f"position_base is {position_base}; it must be 0 or 1, the number of the log's first rank.")


def names_given(columns: Mapping[str, str | None], known: Iterable[str]) -> dict[str, str]:
    """``columns`` without those that nobody named.

    Raises:
        InputError: one is not among the ``known``.
    """
    strange = sorted(set(columns) - set(known))
    if strange:
        raise InputError(f"log_format.columns names '{strange[0]}'; it may name {', '.join(known)}.")
    return {ours: theirs for ours, theirs in columns.items() if theirs is not None}


def naming(kind: str, column: str) -> str:
    """How the user says on the command line what ``column`` is called in a log of ``kind``."""
    return f"log_format={kind} 'log_format.columns={{{column}: YOURS}}'"


def undecided(path: Path, what: str, smallest: int | None) -> InputError:
    """For the user who did not say what the first rank's number is."""
    known = "" if smallest is None else f" (the smallest {what} of the log is {smallest})"
    return InputError(f"{path}: say whether positions count from 0 or 1: position_base=0 or 1{known}.")


def empty(path: Path) -> InputError:
    """For a log without rows."""
    return InputError(f"{path}: the click log is empty.")


def some(counts: dict[str, int], always: Sequence[str] = ("rows_read", "rows_made")) -> dict[str, int]:
    """``counts`` without the zeros that say nothing."""
    return {name: int(count) for name, count in counts.items() if count or name in always}
