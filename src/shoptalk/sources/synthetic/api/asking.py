"""All prompts asked: so many at a time, tried again where that may help, within the budget."""

import asyncio
from collections.abc import Sequence

from shoptalk.errors import InputError
from shoptalk.sources.synthetic.api.background import Put
from shoptalk.sources.synthetic.api.budget import NOTHING, Budget, Estimate, Used
from shoptalk.sources.synthetic.api.endpoint import Endpoint
from shoptalk.sources.synthetic.api.limits import Pace, backoff
from shoptalk.sources.synthetic.api.replies import Reply
from shoptalk.sources.synthetic.language import Answer, Prompt

GONE = 5  # prompts in a row that no try got through to


class Asking:
    """Asks ``prompts`` and puts out ``(place, Answer)`` for each that is settled and a sentence for each incident.

    It ends early where nothing can come of going on. Then no request starts any more, while those on their way are
    waited for, since they are paid.
    """

    def __init__(
        self,
        prompts: Sequence[Prompt],
        endpoint: Endpoint,
        budget: Budget,
        estimate: Estimate,
        pace: Pace,
        concurrency: int,
        tries: int,
    ):
        self.prompts, self.endpoint, self.budget, self.estimate = prompts, endpoint, budget, estimate
        self.pace, self.concurrency, self.tries = pace, concurrency, tries
        self._places, self._answered, self._in_vain = iter(range(len(prompts))), 0, 0
        self._end: str | None = None
        self._on_their_way: set[asyncio.Task] = set()

    async def all(self, put: Put) -> None:
        """Ask them.

        Raises:
            InputError: it ended early.
        """
        self._put, self._landed, before = put, asyncio.Event(), self.budget.spent
        async with self.endpoint, asyncio.TaskGroup() as group:
            count = min(self.concurrency, len(self.prompts))
            self._workers = {group.create_task(self._work()) for _ in range(count)}
        counts = f"{self._answered} of {len(self.prompts)} prompts were answered"
        used = self.budget.spent - before
        put(f"{counts}; {used.read:,} tokens in and {used.written:,} out{self.budget.said(used)}.")
        if self._end:
            raise InputError(f"{self._end}; {counts}, and the same command asks the others.")

    async def _work(self) -> None:
        while self._end is None and (place := next(self._places, None)) is not None:
            try:
                await self._settle(place)
            except InputError as error:
                self._stop(str(error))

    async def _settle(self, place: int) -> None:
        """One prompt through all its tries; nothing is put out for it where all ends before."""
        prompt = self.prompts[place]
        for tried in range(1, self.tries + 1):
            reply = await self._once(prompt)
            if reply is None:
                return
            if reply.text is not None:
                self._answered += 1
                self._put((place, Answer(reply.text)))
                return
            again = reply.again and tried < self.tries
            wait = max(backoff(prompt.seed, tried), reply.pause)
            self._tell(place, tried, reply, wait if again and self._end is None else None)
            if not again:
                break
            if self._end is not None:
                return
            await self.pace.clock.sleep(wait)
        self._put((place, Answer(None, reply.why)))
        self._in_vain += reply.absent
        if self._in_vain >= min(GONE, len(self.prompts)):
            self._stop(
                f"{self.endpoint.reader.url} does not work: the last {self._in_vain} prompts failed on every try, "
                f"at last as {reply.why}: see that it is up and bears generator.model.concurrency={self.concurrency}"
            )

    def _tell(self, place: int, tried: int, reply: Reply, wait: float | None) -> None:
        if wait is not None:
            then = f"again in {wait:.0f} s"
        elif reply.again and tried < self.tries:
            then = "left, as all ends"
        else:
            then = "given up"
        self._put(f"Prompt {place + 1}, try {tried} of {self.tries}: {reply.why}; {then}.")

    async def _once(self, prompt: Prompt) -> Reply | None:
        """One request within budget and pace; ``None`` where it must not be made."""
        worst = self.estimate.worst(prompt)
        if not await self._room(worst):
            return None
        self.budget.send(worst)
        used = NOTHING
        try:
            await self.pace.turn()
            used, reply = worst, await self._ask(prompt)
            used = worst if reply.used is None else reply.used
        finally:
            self.budget.settle(worst, used)
            self._landed.set()
        self._in_vain = self._in_vain if reply.absent else 0
        self.pace.hold(reply.pause)
        return reply

    async def _ask(self, prompt: Prompt) -> Reply:
        task = asyncio.current_task()
        self._on_their_way.add(task)
        try:
            return await self.endpoint.ask(prompt)
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
