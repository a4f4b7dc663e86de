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

ABSENT = 5  # prompts in a row that fail every try, the last one by the endpoint's fault: it is down
FAILING = 25  # by whatever may be either's fault: the model is ill, since so many prompts hardly are


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
        """One prompt through all its tries; nothing is put out for it where all ends before."""
        seed = self.prompts[place].seed
        for tried in range(1, self.tries + 1):
            reply = await self._once(self.prompts[place])
            if reply is None:
                return
            if reply.text is not None:
                self._answered += 1
                await self._put((place, Answer(reply.text)))
                return
            told = f"Prompt {place + 1}, try {tried} of {self.tries}: {reply.why}"
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
        """No answer; and the end where it is not the prompts that are to blame for it."""
        await self._put((place, Answer(None, reply.why, lasting=not reply.again)))
        self._in_vain += reply.again
        if reply.again and self._in_vain >= (min(ABSENT, len(self.prompts)) if reply.absent else FAILING):
            self._stop(
                f"{self.endpoint.reader.url} gives no answers, {self._in_vain} prompts in a row failed on every try "
                f"('{reply.why}'): see that it is up and bears generator.model.concurrency={self.concurrency}"
            )

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
        self._in_vain = self._in_vain if reply.again else 0
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
