"""The one exception that carries a sentence for the user, and sentences that several need."""

from collections.abc import Collection, Iterable
from pathlib import Path

ERROR_FILE = "error.txt"
"""Where a run that was refused leaves its sentence."""


class InputError(Exception):
    """Something the user gave cannot be used; the message is one sentence that says the mend.

    Caught in one place, inside the Hydra task, printed without a traceback.
    """


def at(path: str | Path, line: int | None = None, column: str | None = None) -> str:
    """``file, line 3, column 'score'``: the head of a message about one place in a file."""
    parts = [str(path)]
    if line is not None:
        parts.append(f"line {line}")
    if column is not None:
        parts.append(f"column '{column}'")
    return ", ".join(parts)


def unset(option: str) -> str:
    """The sentence about an option that has no default and was not given."""
    return f"{option} is not set; give it, as in {option}=VALUE."


def existing_folder(option: str, folder: str | Path, of: str) -> Path:
    """``folder``, where it is one; ``of`` says whose is wanted."""
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{option}={folder} is not an existing folder; give the folder of {of}.")
    return path


def finished_run(option: str, folder: str | Path, needs: Iterable[str]) -> Path:
    """``folder``, where it is that of a run which left all that ``needs`` names."""
    path = existing_folder(option, folder, "a finished run")
    for name in needs:
        if not (path / name).exists():
            left = path / ERROR_FILE
            why = f" (it ended with: {left.read_text().strip().rstrip('.')})" if left.is_file() else ""
            raise InputError(f"{option}={folder} is no finished run, for it holds no {name}{why}; run it to its end, "
                             "or give another.")  # fmt: skip
    return path


def whole_number(option: str, value: object) -> int:
    """``value``, where it is a whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{option}={value} is not possible; give a whole number of 1 or more.")
    return value


def only_chosen(option: str, named: Iterable[str], chosen: Collection[str]) -> None:
    """Refuse ``option`` where it names a source that is not among the ``chosen``."""
    for source in named:
        if source not in chosen:
            raise InputError(
                f"{option}.{source} is set, but the chosen sources are {', '.join(chosen)}; "
                f"unset it or add {source} to data=."
            )
