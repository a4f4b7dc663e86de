"""A clock that nobody waits for."""

import asyncio

from shoptalk.remote.limits import Clock


class FastClock(Clock):
    """Waits for nothing, and remembers how long it was asked to."""

    def __init__(self):
        self.time, self.slept = 0.0, []

    def now(self):
        return self.time

    async def sleep(self, seconds):
        self.slept.append(seconds)
        until = self.time + seconds
        await asyncio.sleep(0)
        self.time = max(self.time, until)
