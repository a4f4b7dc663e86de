"""All jobs asked: so many at a time, tried again where that may help, within the budget."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from shoptalk.errors import InputError
from shoptalk.remote.background import Put
from shoptalk.remote.budget import NOTHING, Budget, Used
from shoptalk.remote.endpoint import Endpoint
from shoptalk.remote.limits import Pace, backoff
from shoptalk.remote.replies import Reply

ABSENT = 5  # jobs in a row that fail every try, the last one by the endpoint's fault: it is down
FAILING = 25  # by whatever may be either's fault: the model is ill, since so many jobs hardly are


class Job(Protocol):
    """One thing to ask; ``seed`` draws its pauses."""

    seed: int


class Asking:
    """Asks ``jobs`` and puts out ``(place, Reply)`` for each that is settled and a sentence for each incident.

    It ends early where nothing can come of going on. Then no request starts any more, while those on their way are
    waited for, since they are paid.

    Args:
        worst: the most that a job may use.
        noun: what a job is to the user.
        needed: what may help where a job is refused, if each job is needed, so that one given up ends all.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        endpoint: Endpoint,
        budget: Budget,
        worst: Callable[[Job], Used],
        pace: Pace,
        concurrency: int,
        tries: int,
        noun: str = "prompt",
        needed: str | None = None,
    ):
        self.jobs, self.endpoint, self.budget, self.worst = jobs, endpoint, budget, worst
        self.pace, self.concurrency, self.tries = pace, concurrency, tries
        self.noun, self.needed = noun, needed
        self._places, self._answered, self._in_vain = iter(range(len(jobs))), 0, 0
        self._end: str | None = None
        self._on_their_way: set[asyncio.Task] = set()

    async def all(self, put: Put) -> None:
        """Ask them.

        Raises:
            InputError: it ended early.
        """
        self._put, self._landed, before = put, asyncio.Event(), self.budget.spent
        async with self.endpoint, asyncio.TaskGroup() as group:
            count = min(self.concurrency, len(self.jobs))
            self._workers = {group.create_task(self._work()) for _ in range(count)}
        counts = f"{self._answered} of {len(self.jobs)} {self.noun}s were answered"
        used = self.budget.spent - before
        await put(f"{counts}; {used.read:,} tokens in and {used.written:,} out{self.budget.said(used)}.")
        if self._end:
            raise InputError(f"{self._end}; {counts}, and the same command asks the others.")

    async def _work(self) -> None:
        while self._end is None and (place := next(self._places, None)) is not None:
            try:
                await self._settle(place)
            except InputError as error:
                self._stop(str(error))

    async def _settle(self, place: int) -> None:
        """One job through all its tries; nothing is put out for it where all ends before."""
        seed = self.jobs[place].seed
        for tried in range(1, self.tries + 1):
            reply = await self._once(self.jobs[place])
            if reply is None:
                return
            if reply.answer is not None:
                self._answered += 1
                await self._put((place, reply))
                return
            told = f"{self.noun.capitalize()} {place + 1}, try {tried} of {self.tries}: {reply.why}"
            if not reply.again or tried == self.tries:
                await self._put(f"{told}; given up.")
                await self._give_up(place, reply)
                return
            if self._end is not None:
                await self._put(f"{told}; left unanswered, as the run ends.")
                return
            wait = max(backoff(seed, tried), reply.pause)
            await self._put(f"{told}; again in {wait:.1f} s.")
            await self.pace.clock.sleep(wait)

    async def _give_up(self, place: int, reply: Reply) -> None:
        """No answer; and the end where it is not the jobs that are to blame for it, or each is needed."""
        await self._put((place, reply))
        self._in_vain += reply.again
        url = self.endpoint.reader.url
        if self.needed is not None:
            help_ = f"see that it is up and bears {self._load}" if reply.again else self.needed
            self._stop(f"{url} gives no answer to {self.noun} {place + 1} ('{reply.why}'): {help_}")
        elif reply.again and self._in_vain >= (min(ABSENT, len(self.jobs)) if reply.absent else FAILING):
            self._stop(
                f"{url} gives no answers, {self._in_vain} {self.noun}s in a row failed on every try ('{reply.why}'): "
                f"see that it is up and bears {self._load}"
            )

    @property
    def _load(self) -> str:
        return f"{self.budget.head}.concurrency={self.concurrency}"

    async def _once(self, job: Job) -> Reply | None:
        """One request within budget and pace; ``None`` where it must not be made."""
        worst = self.worst(job)
        if not await self._room(worst):
            return None
        self.budget.send(worst)
        used = NOTHING
        try:
            await self.pace.turn()
            used, reply = worst, await self._ask(job)
            used = worst if reply.used is None else reply.used
        finally:
            self.budget.settle(worst, used)
            self._landed.set()
        self._in_vain = self._in_vain if reply.again else 0
        self.pace.hold(reply.pause)
        return reply

    async def _ask(self, job: Job) -> Reply:
        task = asyncio.current_task()
        self._on_their_way.add(task)
        try:
            return await self.endpoint.ask(job)
        finally:
            self._on_their_way.discard(task)

    async def _room(self, worst: Used) -> bool:
        """Wait until the budget bears ``worst``; end all where it will not, though nothing is on its way."""
        while excess := self.budget.excess(worst):
            if self.budget.away == NOTHING:
                self._stop(f"{excess}: raise it")
                return False
            self._landed.clear()
            await self._landed.wait()
        return True

    def _stop(self, why: str) -> None:
        """Start nothing more; whoever waits to start something is cancelled."""
        self._end = self._end or why
        for task in self._workers - self._on_their_way - {asyncio.current_task()}:
            task.cancel()
