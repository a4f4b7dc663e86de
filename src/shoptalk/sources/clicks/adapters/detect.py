"""Which kind of log it is, told from the files themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from shoptalk.errors import InputError
from shoptalk.sources.clicks.adapters.adapter import Adapter, Converted, naming
from shoptalk.sources.clicks.adapters.flat import Flat
from shoptalk.sources.clicks.adapters.reading import columns_shown
from shoptalk.sources.clicks.adapters.rows import Rows
from shoptalk.sources.clicks.adapters.sessions import SessionLines
from shoptalk.sources.clicks.adapters.ubi import UserBehaviorInsights


@dataclass(frozen=True)
class Detected:
    """The first adapter that recognises the files reads them."""

    adapters: Sequence[Adapter] = (Rows(), UserBehaviorInsights(), SessionLines(), Flat())
    needs: ClassVar[str] = "a log that one of the adapters recognises"

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
