"""What a run says of its stages."""

from io import StringIO

from rich.console import Console

from shoptalk.reporting.progress import Stages


def test_stages_are_counted_and_timed_and_nothing_is_foretold():
    console = Console(width=80, record=True, file=StringIO())
    stages = Stages(("domain", "fit"), console)
    for name in ("domain", "fit"):
        with stages.stage(name, f"Doing {name}"):
            pass
    assert list(stages.seconds) == ["domain", "fit"] and min(stages.seconds.values()) >= 0
    first, second = console.export_text().splitlines()
    assert first.split() == ["1/2", "Doing", "domain", "0:00", "gone"]
    assert second.startswith("2/2 Doing fit") and "left" not in second
