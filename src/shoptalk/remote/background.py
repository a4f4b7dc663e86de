"""Asynchronous work seen from where nothing is asynchronous."""

import asyncio
import queue
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from threading import Thread

LOOK_S = 0.2  # between looks for Ctrl-C

Put = Callable[[object], Awaitable[None]]


def events(work: Callable[[Put], Coroutine[None, None, None]]) -> Iterator[object]:
    """What ``work(put)`` puts, as it comes, while it goes on in a thread of its own.

    ``await put(event)`` lasts until whoever iterates comes for the next event and so has dealt with this one. What the
    work raises is raised here. Closing the iterator, or Ctrl-C in it, cancels the work and waits for its end.
    """
    out, end, loop = queue.SimpleQueue(), object(), asyncio.new_event_loop()

    async def put(event: object) -> None:
        taken = loop.create_future()
        out.put((event, taken))
        await taken

    async def main() -> None:
        try:
            await work(put)
        finally:
            out.put((end, None))

    task = loop.create_task(main())
    thread = Thread(target=_run, args=(loop, task), name="events", daemon=True)
    thread.start()
    try:
        while True:
            event, taken = _next(out)
            if event is end:
                break
            yield event
            loop.call_soon_threadsafe(_take, taken)
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()
    task.result()


def _next(out: queue.SimpleQueue) -> tuple[object, asyncio.Future | None]:
    while True:
        # Once Polars is imported Ctrl-C interrupts no wait, and is seen only between two.
        with suppress(queue.Empty):
            return out.get(timeout=LOOK_S)


def _take(taken: asyncio.Future) -> None:
    if not taken.done():
        taken.set_result(None)


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task) -> None:
    loop.run_until_complete(asyncio.wait([task]))
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not complain where the iterator was closed before its end
