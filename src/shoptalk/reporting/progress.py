"""Which stage a run is in, and how long it has taken; long work within a stage tells how long it still takes."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[int, int], None]
"""``report(done, of)``: called by long work as it goes."""


class Stages:
    """Announces stages in order and times them.

    Args:
        names: of the stages, in order. How long those ahead take depends on documents, pairs, model and machine, so
            nothing is foretold of them.
    """

    def __init__(self, names: Sequence[str], console: Console):
        self.names, self.console = names, console
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def stage(self, name: str, title: str) -> Iterator[None]:
        """Time what happens inside and print a line before it."""
        elapsed = time.perf_counter() - self._started
        place = self.names.index(name) + 1
        self.console.print(f"[bold]{place}/{len(self.names)} {title}[/]  [dim]{clock(elapsed)} gone[/]")
        before = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - before

    @contextmanager
    def bar(self, title: str) -> Iterator[Report]:
        """A progress bar that fills as ``report(done, of)`` is called; one line with its time where nobody watches."""
        if not self.console.is_terminal:
            started = time.perf_counter()
            yield lambda done, of: None
            self.console.print(f"  {title}: {clock(time.perf_counter() - started)}", highlight=False)
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(title, total=None)
            yield lambda done, of: progress.update(task, completed=done, total=of)

    def total(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._started


def clock(seconds: float) -> str:
    """``m:ss``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
