"""Where a domain's click log lies."""

from pathlib import Path

from shoptalk.errors import InputError


def log_path(given: str | None) -> Path | None:
    """The path of a log file or folder, or ``None`` where none is given.

    Raises:
        InputError: nothing lies there.
    """
    if given is None:
        return None
    path = Path(given)
    if not path.exists():
        raise InputError(f"domain.log={given} does not exist; give the path of a click log, or null for none.")
    return path
