"""Which kind of log it is, told from the files themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.adapter import Adapter, Converted, names_given, naming
from shoptalk.sources.clicks.adapters.flat import Flat
from shoptalk.sources.clicks.adapters.reading import columns_shown
from shoptalk.sources.clicks.adapters.rows import Rows
from shoptalk.sources.clicks.adapters.sessions import SessionLines
from shoptalk.sources.clicks.adapters.ubi import UserBehaviorInsights

_RENAMED = (SessionLines, Flat)


@dataclass(frozen=True)
class Detected:
    """The first adapter that recognises the files reads them.

    Attributes:
        columns: names of ours to those of the files, as of ``SessionLines`` and ``Flat``, which alone read logs with
            names of their own.
        adapters: those that are asked, in order.

    Raises:
        InputError: no kind of log has all the columns that ``columns`` renames.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    adapters: Sequence[Adapter] = field(init=False)
    needs: ClassVar[str] = "a log that one of the adapters recognises"

    def __post_init__(self) -> None:
        given = names_given(self.columns, dict.fromkeys(name for kind in _RENAMED for name in kind.names))
        renamed = [kind(given) for kind in _RENAMED if given.keys() <= set(kind.names)]
        if not renamed:
            raise InputError(
                f"log_format.columns names {' and '.join(given)}, and no kind of log has them all; flat logs have "
                f"{', '.join(Flat.names)}, and logs of sessions {', '.join(SessionLines.names)}."
            )
        asked = renamed if given else [Rows(), UserBehaviorInsights(), *renamed]
        object.__setattr__(self, "columns", given)
        object.__setattr__(self, "adapters", asked)

    def recognises(self, files: Sequence[Path]) -> bool:
        """See ``Adapter``."""
        return any(adapter.recognises(files) for adapter in self.adapters)

    def convert(self, files: Sequence[Path], position_base: int | None, folder: Path) -> Converted:
        """See ``Adapter``."""
        for adapter in self.adapters:
            if adapter.recognises(files):
                return adapter.convert(files, position_base, folder)
        needs = "; or ".join(adapter.needs for adapter in self.adapters)
        raise InputError(
            f"{files[0]}: this is no kind of click log that is known; its columns are {columns_shown(files[0])}, and "
            f"needed are {needs}; rename columns, or name yours by {naming('flat', 'doc_id')} (likewise sessions)."
        )
