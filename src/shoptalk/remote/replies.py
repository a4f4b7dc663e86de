"""What an endpoint's response means for what was asked."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shoptalk.errors import InputError
from shoptalk.remote.budget import NOTHING, Used
from shoptalk.remote.limits import retry_after
from shoptalk.remote.words import spoken

# Refusals that speak of what was asked alone; any other would meet everything.
OF_THE_TEXT = re.compile(r"context.?(length|window|size)|too long|content.?(filter|policy|management)", re.I)


@dataclass(frozen=True)
class Reply:
    """What came of one try.

    Attributes:
        answer: what was asked for; ``None`` where there is none.
        why: why there is none.
        again: another try may mend it.
        used: what it cost; ``None`` where nobody said, so that the worst counts.
        pause: seconds the endpoint asks everybody to wait.
        absent: the endpoint is at fault and not what was asked: it is down, overloaded or something else.
    """

    answer: Any = None
    why: str = ""
    again: bool = False
    used: Used | None = None
    pause: float = 0.0
    absent: bool = False


@dataclass(frozen=True)
class Reader:
    """Reads responses; what an answer holds is for those who derive from it.

    Attributes:
        head: what stands before the names of options on the command line.
        url, model, key_from: options that a sentence may have to name.
        key: removed from all that is repeated.
    """

    head: str
    url: str
    model: str
    key_from: str | None
    key: str | None

    def read(self, job: Any, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to ``job``.

        Raises:
            InputError: nothing will be answered: the key, the model, the address or an option is wrong.
        """
        if 200 <= status < 300:
            return self.answer(job, body)
        said = f"{status}: {spoken(body, self.key)}"
        if status in (408, 429) or status >= 500:
            pause = retry_after(headers.get("Retry-After"), datetime.now(UTC))
            return Reply(why=said, again=True, used=NOTHING, pause=pause, absent=status != 500)
        if status == 413 or (status in (400, 422) and OF_THE_TEXT.search(said)):
            return Reply(why=said, used=NOTHING)
        raise InputError(self._refusal(status, headers, said))

    def answer(self, job: Any, body: bytes) -> Reply:
        """What a response of code 200 holds.

        Raises:
            InputError: nothing that this endpoint answers can be used.
        """
        raise NotImplementedError

    def _refusal(self, status: int, headers: Mapping[str, str], said: str) -> str:
        if status < 400:
            to = spoken(headers.get("Location", "").encode(), self.key)
            return f"{self.head}.url={self.url} redirects ({status}) to {to}: give that address if you trust it"
        if status in (401, 403) and self.key_from:
            return f"{self.url} refuses the key ({said}): check what {self.head}.key_from={self.key_from} holds"
        if status in (401, 403):
            return f"{self.url} asks for a key ({said}): name its environment variable with {self.head}.key_from"
        if status == 404:
            return (
                f"{self.url} has no such model or address ({said}): check {self.head}.model={self.model} "
                "and {self.head}.url, which for most endpoints ends in /v1"
            )
        return f"{self.url} refuses the request ({said}): mend what it speaks of"


def decoded(body: bytes) -> Any:
    """The JSON in a response; ``None`` where there is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def counted(said: object, *names: str) -> Used | None:
    """What the endpoint counted under ``names`` of its ``usage``."""
    usage = said.get("usage") if isinstance(said, dict) else None
    counts = [usage.get(name) for name in names] if isinstance(usage, dict) else [None]
    return Used(*counts) if all(type(count) is int and count >= 0 for count in counts) else None
