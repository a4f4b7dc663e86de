"""Prompts as ``/chat/completions`` takes them, and its answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shoptalk.remote.budget import Used
from shoptalk.remote.replies import Reader, Reply, counted, decoded
from shoptalk.remote.words import spoken
from shoptalk.sources.synthetic.language import Prompt

PATH = "chat/completions"
FRAME = 12  # tokens that a chat template puts around two messages, about


@dataclass(frozen=True)
class Estimate:
    """The most that a prompt may use, as far as its characters tell."""

    characters_per_token: float
    max_tokens: int

    def worst(self, prompt: Prompt) -> Used:
        """Its characters as tokens, and an answer as long as is allowed."""
        characters = len(prompt.prefix) + len(prompt.rest)
        return Used(math.ceil(characters / self.characters_per_token) + FRAME, self.max_tokens)


def body(prompt: Prompt, fields: Mapping[str, object]) -> dict[str, object]:
    """A request: messages, seed, and ``fields``."""
    messages = [{"role": "system", "content": prompt.prefix}, {"role": "user", "content": prompt.rest}]
    return {"messages": [m for m in messages if m["content"]], "seed": prompt.seed, **fields}


@dataclass(frozen=True)
class ChatReader(Reader):
    """Reads completions; ``max_tokens`` is the longest that was allowed."""

    max_tokens: int

    def answer(self, job: Prompt, body: bytes) -> Reply:
        """A finished answer, or why it is none; an answer cut in the middle is no query."""
        said = decoded(body)
        if said is None:
            return Reply(why="its answer is no JSON", again=True, absent=True)
        used = counted(said, "prompt_tokens", "completion_tokens")
        try:
            choice = said["choices"][0]
            end, text = choice.get("finish_reason"), choice["message"].get("content")
        except (KeyError, IndexError, TypeError, AttributeError):
            return Reply(why=f"its answer holds no choice ({spoken(body, self.key)})", again=True, used=used)
        if end == "length":
            return Reply(why=f"its answer is cut at {self.head}.max_tokens={self.max_tokens}", used=used)
        if end == "content_filter":
            return Reply(why="the endpoint's content filter withholds its answer", used=used)
        if not isinstance(text, str) or not text.strip():
            return Reply(why="its answer is empty", again=True, used=used)
        return Reply(text, used=used)
