"""What an endpoint's response means for the prompt that was asked."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shoptalk.errors import InputError
from shoptalk.sources.synthetic.api.budget import NOTHING, Used
from shoptalk.sources.synthetic.api.limits import retry_after
from shoptalk.sources.synthetic.api.words import spoken

# Refusals that speak of this prompt alone; any other would meet every prompt.
OF_THE_PROMPT = re.compile(r"context.?(length|window|size)|too long|content.?(filter|policy|management)", re.I)


@dataclass(frozen=True)
class Reply:
    """What came of one try.

    Attributes:
        text: the answer; ``None`` where there is none.
        why: why there is none.
        again: another try may mend it.
        used: what it cost; ``None`` where nobody said, so that the worst counts.
        pause: seconds the endpoint asks everybody to wait.
        absent: the endpoint is at fault and not the prompt: it is down, overloaded or something else.
    """

    text: str | None = None
    why: str = ""
    again: bool = False
    used: Used | None = None
    pause: float = 0.0
    absent: bool = False


@dataclass(frozen=True)
class Reader:
    """Reads responses.

    Attributes:
        url, model, key_from, max_tokens: options that a sentence may have to name.
        key: removed from all that is repeated.
    """

    url: str
    model: str
    key_from: str | None
    key: str | None
    max_tokens: int

    def read(self, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply.

        Raises:
            InputError: no prompt will be answered: the key, the model, the address or an option is wrong.
        """
        if 200 <= status < 300:
            return self._answer(body)
        said = f"{status}: {spoken(body, self.key)}"
        if status in (408, 429) or status >= 500:
            pause = retry_after(headers.get("Retry-After"), datetime.now(UTC))
            return Reply(why=said, again=True, used=NOTHING, pause=pause, absent=status != 500)
        if status == 413 or (status in (400, 422) and OF_THE_PROMPT.search(said)):
            return Reply(why=said, used=NOTHING)
        raise InputError(self._refusal(status, headers, said))

    def _answer(self, body: bytes) -> Reply:
        """A finished answer, or why it is none; an answer cut in the middle is no query."""
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            return Reply(why="its answer is no JSON", again=True, absent=True)
        used = _used(said)
        try:
            choice = said["choices"][0]
            end, text = choice.get("finish_reason"), choice["message"].get("content")
        except (KeyError, IndexError, TypeError, AttributeError):
            return Reply(why=f"its answer holds no choice ({spoken(body, self.key)})", again=True, used=used)
        if end == "length":
            return Reply(why=f"its answer is cut at generator.model.max_tokens={self.max_tokens}", used=used)
        if end == "content_filter":
            return Reply(why="the endpoint's content filter withholds its answer", used=used)
        if not isinstance(text, str) or not text.strip():
            return Reply(why="its answer is empty", again=True, used=used)
        return Reply(text, used=used)

    def _refusal(self, status: int, headers: Mapping[str, str], said: str) -> str:
        if status < 400:
            to = spoken(headers.get("Location", "").encode(), self.key)
            return f"generator.model.url={self.url} redirects ({status}) to {to}: give that address if you trust it"
        if status in (401, 403) and self.key_from:
            return f"{self.url} refuses the key ({said}): check what generator.model.key_from={self.key_from} holds"
        if status in (401, 403):
            return f"{self.url} asks for a key ({said}): name its environment variable with generator.model.key_from"
        if status == 404:
            return (
                f"{self.url} has no such model or address ({said}): check generator.model.model={self.model} "
                "and generator.model.url, which for most endpoints ends in /v1"
            )
        return f"{self.url} refuses the request ({said}): mend what it speaks of"


def _used(said: object) -> Used | None:
    """What the endpoint counted."""
    usage = said.get("usage") if isinstance(said, dict) else None
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")] if isinstance(usage, dict) else [None]
    return Used(*counts) if all(type(count) is int and count >= 0 for count in counts) else None
