"""When the next request may start."""

import asyncio
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import numpy as np

LONGEST_PAUSE = 60.0  # seconds, of our own back-off
LONGEST_ASKED = 120.0  # seconds, of what an endpoint asks for


class Clock:
    """Time in seconds from any start, and waiting for it."""

    def now(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Pace:
    """Spaces the starts of requests evenly, retries included, and holds all of them where the endpoint asks for it."""

    def __init__(self, per_minute: float | None, clock: Clock):
        self.interval, self.clock = 60 / per_minute if per_minute else 0.0, clock
        self._free = clock.now()

    async def turn(self) -> None:
        """Wait until a request may start; between the last look and taking the turn nobody else runs."""
        while (wait := self._free - self.clock.now()) > 0:
            await self.clock.sleep(wait)
        self._free = self.clock.now() + self.interval

    def hold(self, seconds: float) -> None:
        """No request starts for ``seconds``."""
        self._free = max(self._free, self.clock.now() + seconds)


def backoff(seed: int, tried: int) -> float:
    """Seconds to wait after ``tried`` tries: doubled each time, the upper half of it drawn from (seed, tried).

    "Equal jitter" of M. Brooker, Exponential Backoff and Jitter (AWS, 2015).
    """
    whole = min(LONGEST_PAUSE, 2.0 ** (tried - 1))
    return whole * (1 + np.random.default_rng([seed, tried]).random()) / 2


def retry_after(header: str | None, now: datetime) -> float:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3: seconds or a date), in [0, LONGEST_ASKED]."""
    if header is None:
        return 0.0
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", header, re.ASCII):
        return min(float(header), LONGEST_ASKED)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_ASKED)
