"""One request to a ``/chat/completions`` endpoint."""

import os
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from shoptalk.sources.synthetic.api.budget import NOTHING
from shoptalk.sources.synthetic.api.replies import Reader, Reply
from shoptalk.sources.synthetic.api.words import spoken
from shoptalk.sources.synthetic.language import Prompt

CONNECT_S = 10.0


class Endpoint:
    """Asks one prompt once; to be entered before.

    Args:
        reader: reads what comes back; it knows the address and the key.
        fields: of each request's body beside its messages and seed; those that are ``None`` are left out.
        timeout_s: for one whole request, however slowly its answer comes.
    """

    def __init__(self, reader: Reader, fields: Mapping[str, object], timeout_s: float):
        self.reader, self.fields, self.timeout_s = reader, fields, timeout_s

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

    async def ask(self, prompt: Prompt) -> Reply:
        """What came of it; whatever happens on the way is a reply too.

        Raises:
            InputError: no prompt will be answered.
        """
        import aiohttp

        address = f"{self.reader.url}/chat/completions"
        try:
            # Never redirected: the key would go along.
            async with self._session.post(address, json=self._body(prompt), allow_redirects=False) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._lost(error)
        return self.reader.read(response.status, response.headers, body)

    def _body(self, prompt: Prompt) -> dict[str, object]:
        messages = [{"role": "system", "content": prompt.prefix}, {"role": "user", "content": prompt.rest}]
        fields = {"messages": [m for m in messages if m["content"]], "seed": prompt.seed, **self.fields}
        return {name: value for name, value in fields.items() if value is not None}

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
