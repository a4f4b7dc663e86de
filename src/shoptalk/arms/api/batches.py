"""Texts as ``/embeddings`` takes them, and its vectors."""

from dataclasses import dataclass, field

import numpy as np

from shoptalk.errors import InputError
from shoptalk.remote.budget import Used
from shoptalk.remote.replies import Reader, Reply, counted, decoded
from shoptalk.remote.words import spoken

PATH = "embeddings"


@dataclass(frozen=True)
class Batch:
    """The texts of one request, and a number that draws its pauses."""

    texts: tuple[str, ...]
    seed: int


@dataclass
class Length:
    """That of all vectors, once the first is there."""

    value: int | None = None


@dataclass(frozen=True)
class VectorReader(Reader):
    """Reads vectors; all must have the same length."""

    length: Length = field(default_factory=Length)

    def answer(self, job: Batch, body: bytes) -> Reply:
        """Unit vectors float32 [texts, d].

        Raises:
            InputError: vectors are missing, of another length than those before, or of no direction.
        """
        said = decoded(body)
        if said is None:
            return Reply(why="its answer is no JSON", again=True, absent=True)
        used = counted(said, "prompt_tokens")
        try:
            lines = [line["embedding"] for line in sorted(said["data"], key=lambda line: line["index"])]
            vectors = [np.array(line, np.float64).reshape(len(line)) for line in lines]
        except (KeyError, TypeError, ValueError):
            return Reply(why=f"its answer holds no vectors ({spoken(body, self.key)})", again=True, used=used)
        return Reply(self._checked(vectors, len(job.texts)), used=used)

    def _checked(self, vectors: list[np.ndarray], texts: int) -> np.ndarray:
        if len(vectors) != texts:
            raise InputError(f"{self.url} gave {len(vectors)} vectors for {texts} texts, so that nobody knows whose "
                             f"they are: lower {self.head}.batch, or choose another endpoint")  # fmt: skip
        self.length.value = self.length.value or len(vectors[0])
        for vector in vectors:
            if len(vector) != self.length.value:
                raise InputError(f"{self.url} gave a vector of length {len(vector)} where others have "
                                 f"{self.length.value}: see which model {self.model} is there")  # fmt: skip
        whole = np.stack(vectors)
        norms = np.linalg.norm(whole, axis=1, keepdims=True)
        if not (np.isfinite(norms).all() and norms.all()):
            raise InputError(f"{self.url} gave a vector that is zero or not finite: choose another model")
        return (whole / norms).astype(np.float32)


def worst(batch: Batch, characters_per_token: float) -> Used:
    """Its characters as tokens, and two more for each text's marks."""
    return Used(int(sum(len(text) for text in batch.texts) / characters_per_token) + 2 * len(batch.texts))
