"""Asynchronous work seen from where nothing is asynchronous."""

import asyncio
import queue
from collections.abc import Callable, Coroutine, Iterator
from threading import Thread

Put = Callable[[object], None]


def events(work: Callable[[Put], Coroutine[None, None, None]]) -> Iterator[object]:
    """What ``work(put)`` puts, as it comes, while it goes on in a thread of its own.

    What it raises is raised here. Closing the iterator, or Ctrl-C in it, cancels the work and waits for its end.
    """
    out, end, loop = queue.SimpleQueue(), object(), asyncio.new_event_loop()

    async def main() -> None:
        try:
            await work(out.put)
        finally:
            out.put(end)

    task = loop.create_task(main())
    thread = Thread(target=_run, args=(loop, task), name="events", daemon=True)
    thread.start()
    try:
        while (event := out.get()) is not end:
            yield event
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()
    task.result()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task) -> None:
    loop.run_until_complete(asyncio.wait([task]))
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not complain where the iterator was closed before its end
