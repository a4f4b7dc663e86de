"""When the next request may start."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from fast_clock import FastClock
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.remote.limits import LONGEST_ASKED, Pace, backoff, retry_after


@given(st.lists(st.floats(0, 20), min_size=1, max_size=30), st.floats(1, 600))
@settings(deadline=None, max_examples=40)
def test_starts_lie_apart_whenever_they_are_wanted(wanted, per_minute):
    class Simulated(FastClock):
        """Sleepers wake in the order of their time."""

        async def sleep(self, seconds):
            until = self.time + seconds
            self.waiting.append(until)
            while until > self.time:
                await asyncio.sleep(0)
                if until == min(self.waiting):
                    self.time = max(self.time, until)
            self.waiting.remove(until)

    clock = Simulated()
    clock.waiting = []
    pace, starts = Pace(per_minute, clock), []

    async def one(at):
        await clock.sleep(at)
        await pace.turn()
        starts.append(clock.now())

    async def everybody():
        await asyncio.gather(*map(one, wanted))

    asyncio.run(everybody())
    assert len(starts) == len(wanted)
    assert all(b - a >= 60 / per_minute - 1e-9 for a, b in pairwise(starts))


def test_all_are_held():
    clock = FastClock()
    pace = Pace(None, clock)
    pace.hold(20)
    asyncio.run(pace.turn())
    assert clock.time == 20


@pytest.mark.parametrize(
    "header, seconds",
    [
        (None, 0), ("3", 3), (" 1.5 ", 1.5), ("86400", LONGEST_ASKED), ("9" * 400, LONGEST_ASKED), ("-3", 0),
        ("soon", 0), ("nan", 0), ("Thu, 01 Jan 2026 00:00:30 GMT", 30), ("Thu, 01 Jan 2026 00:00:30 -0000", 30),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0), ("Sat, 01 Jan 2028 00:00:00 GMT", LONGEST_ASKED),
        ("Sat, 01 Jan 99999999999 00:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_a_pause_is_asked_for_in_seconds_or_as_a_date(header, seconds):
    assert retry_after(header, datetime(2026, 1, 1, tzinfo=UTC)) == seconds


@given(st.integers(0, 2**31 - 1), st.integers(1, 200))
def test_backoff_doubles_up_to_a_minute_and_is_drawn_from_seed_and_try(seed, tried):
    whole = min(60, 2 ** (tried - 1))
    assert whole / 2 <= backoff(seed, tried) <= whole and backoff(seed, tried) == backoff(seed, tried)
    assert backoff(seed, tried) != backoff(seed + 1, tried)
