"""What makes tables fit terminals of 80 columns: short figures, and names that fold where people would fold them."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_PIECE = re.compile(r"[^.,:/@+=]*[.,:/@+=]*")


class Folding:
    """Plain text that folds at spaces, a long word after one of ``. , : / @ + =``, and only then anywhere."""

    def __init__(self, text: str):
        self.text = text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        words = self.text.split()
        least = max((cell_len(piece) for word in words for piece in _PIECE.findall(word)), default=0)
        most = max(map(cell_len, self.text.splitlines()), default=0)
        return Measurement(least, most).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(1, options.max_width)
        lines = (line for one in self.text.splitlines() for line in _folded(one, width))
        yield Text("\n".join(lines), overflow="fold")


def _folded(text: str, width: int) -> Iterator[str]:
    for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False):
        while len(line) > width:
            ends = [found.end() for found in _PIECE.finditer(line) if found.end() <= width]
            end = ends[-1] if ends and ends[-1] else width
            yield line[:end]
            line = line[end:]
        yield line


def lined(title: str, **more: Any) -> Table:
    """A table with lines across it alone, which take no width; ``more`` goes to rich."""
    return Table(title=title, title_justify="left", box=box.HORIZONTALS, collapse_padding=True, **more)


def short(value: float, form: str = ".3f") -> str:
    """``value`` without the nought before its point: ``+.276``."""
    return re.sub(r"^([+-]?)0\.", r"\1.", f"{value:{form}}")


def add_columns(table: Table, *names: str) -> None:
    """Add columns of figures, which stay whole whatever the width."""
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
