"""What language models answered, kept on disk one by one, so that nothing is asked or paid for twice."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from shoptalk.cache import Cache, digest
from shoptalk.keyed import Keyed
from shoptalk.sources.synthetic.language import Answer, Prompt


class Answers:
    """Answers of one model, by prompt; several processes may write at a time.

    Args:
        file: an SQLite database; made where it does not exist.
    """

    def __init__(self, file: Path):
        self._kept = Keyed(file, "answers", {"prompt": "TEXT PRIMARY KEY", "text": "TEXT", "fault": "TEXT NOT NULL"})

    @classmethod
    def of(cls, cache: Cache, identity: str) -> "Answers":
        """Those of the model with this identity."""
        return cls(cache.folder("answers", identity, lambda folder: None) / "answers.sqlite")

    def find(self, prompts: Sequence[Prompt]) -> dict[int, Answer]:
        """Place in ``prompts`` to the answer, for those that were answered."""
        keys = [key(prompt) for prompt in prompts]
        found = self._kept.find(keys, "prompt, text, fault")
        told = {name: Answer(text, fault) for _, rows in found for name, text, fault in rows}
        return {place: told[name] for place, name in enumerate(keys) if name in told}

    def keep(self, answered: Iterable[tuple[Prompt, Answer]]) -> None:
        """Write answers; each is safe on disk before the next one is taken."""
        self._kept.keep([(key(prompt), answer.text, answer.fault)] for prompt, answer in answered)


def key(prompt: Prompt) -> str:
    """What an answer is kept by."""
    return digest(prompt.prefix, prompt.rest, prompt.seed)
