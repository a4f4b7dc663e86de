"""What language models answered, kept on disk one by one, so that nothing is asked or paid for twice."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from shoptalk.cache import Cache, digest
from shoptalk.sources.synthetic.language import Answer, Prompt

_MANY = 500  # keys of one question to the database


class Answers:
    """Answers of one model, by prompt; several processes may write at a time.

    Args:
        file: an SQLite database; made where it does not exist.
    """

    def __init__(self, file: Path):
        self.file = file
        with self._open() as base:
            base.execute("CREATE TABLE IF NOT EXISTS answers (prompt TEXT PRIMARY KEY, text TEXT, fault TEXT NOT NULL)")

    @classmethod
    def of(cls, cache: Cache, identity: str) -> "Answers":
        """Those of the model with this identity."""
        return cls(cache.folder("answers", identity, lambda folder: None) / "answers.sqlite")

    def find(self, prompts: Sequence[Prompt]) -> dict[int, Answer]:
        """Place in ``prompts`` to the answer, for those that were answered."""
        keys = [key(prompt) for prompt in prompts]
        told: dict[str, Answer] = {}
        with self._open() as base:
            for start in range(0, len(keys), _MANY):
                part = keys[start : start + _MANY]
                marks = ",".join("?" * len(part))
                rows = base.execute(f"SELECT prompt, text, fault FROM answers WHERE prompt IN ({marks})", part)
                told |= {name: Answer(text, fault) for name, text, fault in rows}
        return {place: told[name] for place, name in enumerate(keys) if name in told}

    def keep(self, answered: Iterable[tuple[Prompt, Answer]]) -> None:
        """Write answers; each is safe on disk before the next one is taken."""
        with self._open() as base:
            for prompt, answer in answered:
                with base:
                    row = (key(prompt), answer.text, answer.fault)
                    base.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", row)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.file, timeout=60)) as base:
            yield base


def key(prompt: Prompt) -> str:
    """What an answer is kept by."""
    return digest(prompt.prefix, prompt.rest, prompt.seed)
