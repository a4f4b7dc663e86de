"""One request to an endpoint that speaks JSON."""

import os
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from shoptalk.remote.budget import NOTHING
from shoptalk.remote.replies import Reader, Reply
from shoptalk.remote.words import spoken

CONNECT_S = 10.0


class Endpoint:
    """Asks for one thing once; to be entered before.

    Args:
        reader: reads what comes back; it knows the address and the key.
        path: behind the address.
        body: what is asked to the fields of the request; those that are ``None`` are left out.
        timeout_s: for one whole request, however slowly its answer comes.
    """

    def __init__(self, reader: Reader, path: str, body: Callable[[Any], Mapping[str, object]], timeout_s: float):
        self.reader, self.path, self.body, self.timeout_s = reader, path, body, timeout_s

    async def __aenter__(self) -> Self:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self.timeout_s, sock_connect=min(CONNECT_S, self.timeout_s))
        headers = {"Authorization": f"Bearer {self.reader.key}"} if self.reader.key else {}
        # The library's own reading of the environment would also let ~/.netrc take part in the authorisation.
        self._session = aiohttp.ClientSession(
            timeout=timeout,
            headers=headers,
            proxy=proxy(self.reader.url),
            # A kept connection may close just as it is used again, and then nobody knows what was paid.
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, job: Any) -> Reply:
        """What came of it; whatever happens on the way is a reply too.

        Raises:
            InputError: nothing will be answered.
        """
        import aiohttp

        address = f"{self.reader.url}/{self.path}"
        fields = {name: value for name, value in self.body(job).items() if value is not None}
        try:
            # Never redirected: the key would go along.
            async with self._session.post(address, json=fields, allow_redirects=False) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._lost(error)
        return self.reader.read(job, response.status, response.headers, body)

    def _lost(self, error: Exception) -> Reply:
        """Where nothing was sent nothing was spent; where the answer got lost it may have been."""
        import aiohttp

        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            said = spoken(_cause(error).encode(), self.reader.key)
            return Reply(why=f"the endpoint cannot be reached ({said})", again=True, used=NOTHING, absent=True)
        if isinstance(error, TimeoutError):
            return Reply(why=f"no answer within {self.timeout_s:g} s", again=True, absent=True)
        cut = isinstance(error, aiohttp.ClientPayloadError)
        return Reply(why="its answer breaks off" if cut else "the connection broke", again=True, absent=True)


def _cause(error: Exception) -> str:
    """Why there is no connection, in the system's words."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if cause is None:
        return "no connection in time"
    # asyncio puts words of its own where the system's would stand; a name that is not found has a number below 0.
    return os.strerror(cause.errno) if (cause.errno or 0) > 1 else cause.strerror or str(cause)


def proxy(url: str) -> str | None:
    """The proxy that the environment names for ``url``."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
