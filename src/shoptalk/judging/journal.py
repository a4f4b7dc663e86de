"""What one judge has said, kept act by act: nothing that was said is lost when the program dies."""

import errno
import fcntl
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shoptalk.errors import InputError, at

GRADES = (0, 1, 2, 3)


class Said:
    """The state that a judge's acts lead to.

    Attributes:
        grades: (query id, document id) to the grade. skipped: ids of queries the judge cannot judge.
    """

    def __init__(self) -> None:
        self.grades: dict[tuple[str, str], int] = {}
        self.skipped: set[str] = set()
        self._before: list[tuple[str, str | None, int | None, bool]] = []

    def follow(self, act: dict[str, Any]) -> tuple[str, str | None] | None:
        """Apply one act: ``{"act": "grade" | "skip" | "undo", "query_id", "doc_id", "grade"}``.

        A grade takes up a query that was skipped.

        Returns:
            The query and the document that it was about; ``None`` for an ``undo`` of nothing.

        Raises:
            KeyError, ValueError, TypeError: it is no such act.
        """
        if act["act"] == "undo":
            return self._undo()
        query_id, doc_id = act["query_id"], act["doc_id"] if act["act"] == "grade" else None
        self._before.append((query_id, doc_id, self.grades.get((query_id, doc_id)), query_id in self.skipped))
        if act["act"] == "skip":
            self.skipped.add(query_id)
        elif act["act"] == "grade" and act["grade"] in GRADES:
            self.grades[query_id, doc_id] = act["grade"]
            self.skipped.discard(query_id)
        else:
            raise ValueError(act)
        return query_id, doc_id

    def _undo(self) -> tuple[str, str | None] | None:
        if not self._before:
            return None
        query_id, doc_id, grade, skipped = self._before.pop()
        (self.skipped.add if skipped else self.skipped.discard)(query_id)
        if grade is None:
            self.grades.pop((query_id, doc_id), None)
        else:
            self.grades[query_id, doc_id] = grade
        return query_id, doc_id


class Journal(Said):
    """A judge's acts in a file of JSON lines, one process at a time; each is on the disk before it counts.

    Raises:
        InputError: another process has it open, or a line is no act.

    Attributes:
        notices: sentences the user should see.
    """

    def __init__(self, path: Path):
        super().__init__()
        try:
            self._file = open(path, "a+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error.strerror}); make it writable.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{path}: another process is grading there; end it, or give another judge.") from error
        self.notices = self._mended(path)

    def act(self, act: str, query_id: str | None = None, doc_id: str | None = None, grade: int | None = None):
        """Write down and follow one act; what it was about, see ``Said.follow``."""
        return self.acts([{"act": act, "query_id": query_id, "doc_id": doc_id, "grade": grade}])[-1]

    def acts(self, acts: Iterable[dict[str, Any]]) -> list[tuple[str, str | None] | None]:
        """Write down and follow several acts, all of them or none.

        Raises:
            InputError: the disk refuses; then nothing was said.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        told = [{name: value for name, value in act.items() if value is not None} for act in acts]
        raw = "".join(json.dumps({**act, "at": now}) + "\n" for act in told).encode()
        end = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(raw) != len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(end)
            raise InputError(f"{self._file.name} cannot be written ({error.strerror}); free some space.") from error
        return [self.follow(act) for act in told]

    def close(self) -> None:
        """Let others open it."""
        self._file.close()

    def _mended(self, path: Path) -> list[str]:
        """Follow the acts that are there; half a last line, left by a program that died, is cut off."""
        whole, torn = _read(self, path)
        if not torn:
            return []
        self._file.truncate(whole)
        return [f"{path}: the last line was cut short, so what it said is lost; grade that document again."]


def said(path: Path) -> Said:
    """What the acts in a journal lead to; half a last line is passed over.

    Raises:
        InputError: a line is no act.
    """
    found = Said()
    _read(found, path)
    return found


def _read(state: Said, path: Path) -> tuple[int, bool]:
    """Follow all acts; bytes of the whole lines, and whether there is more."""
    raw = path.read_bytes()
    whole = raw.rfind(b"\n") + 1
    for number, line in enumerate(raw[:whole].splitlines(), start=1):
        try:
            state.follow(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{at(path, number)}: not an act of a judge; restore or remove the line.") from error
    return whole, whole < len(raw)
