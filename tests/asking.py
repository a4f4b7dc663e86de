"""A page and its server, asked as its script asks."""

import http.client
import json
import re
from urllib.parse import urlsplit

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"double\" 'single' `back` & &amp; {{ 7 * 7 }} ${1}",
    "שלום עולם \u202eمرحبا",
    "🩺👩‍🔬 \u2028 \u0000 \ufeff",
    '=HYPERLINK("http://evil"),;\t"\r\nsecond line',
    "x" * 10_000,
]
"""Texts that must be shown as they are."""


class Client:
    """Asks the server at ``address``, with the token of its page unless told otherwise."""

    def __init__(self, address):
        self.host = urlsplit(address).netloc
        self.page = self.get("/")[1]
        self.told = json.loads(re.search(r'id="told">(.*?)</script>', self.page, re.S)[1])

    def request(self, method, path, body=None, headers=None):
        """Status, text and headers of the answer."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def post(self, path, body, **headers):
        """``body`` as JSON unless it is bytes; headers are written with underscores, ``None`` leaves one out."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json", "X-Shoptalk-Token": self.told["token"]}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, raw, {name: value for name, value in told.items() if value is not None})

    def found(self, path, body=None):
        """The JSON of an answer that must be good."""
        status, text, _ = self.get(path) if body is None else self.post(path, body)
        assert status == 200, text
        return json.loads(text)
