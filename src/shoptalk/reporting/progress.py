"""Which stage a run is in, how long it has taken, and about how long is left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[int, int], None]
"""``report(done, of)``: called by long work as it goes."""


class Stages:
    """Announces stages in order and times them.

    Args:
        expected: stage to expected seconds on a 2-core laptop with cold caches. Only their proportions
            matter: what is left is scaled by how fast the stages behind us went.
    """

    def __init__(self, expected: dict[str, float], console: Console):
        self.expected, self.console = expected, console
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def stage(self, name: str, title: str) -> Iterator[None]:
        """Time what happens inside and print a line before it."""
        elapsed = time.perf_counter() - self._started
        place = list(self.expected).index(name) + 1
        left = f" · about {clock(self._left(name))} left" if self.seconds else ""
        self.console.print(f"[bold]{place}/{len(self.expected)} {title}[/]  [dim]{clock(elapsed)} gone{left}[/]")
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

    def _left(self, name: str) -> float:
        names = list(self.expected)
        ahead = sum(self.expected[n] for n in names[names.index(name) :])
        # A stage far below its expectation came out of the cache and says nothing of the machine.
        behind = [n for n, seconds in self.seconds.items() if seconds > 0.3 * self.expected[n]]
        speed = (sum(self.seconds[n] for n in behind) + 60) / (sum(self.expected[n] for n in behind) + 60)
        return ahead * speed


def clock(seconds: float) -> str:
    """``m:ss``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
