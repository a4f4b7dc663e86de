"""Routes over HTTP on the loopback interface, for one person."""

import json
import secrets
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shoptalk.errors import InputError
from shoptalk.serving import safety

MOST_BYTES = 1 << 20
"""Of a request's body."""

Route = Callable[[Mapping[str, Any]], Any]
"""What the address or the JSON body holds, to what is answered as JSON."""


@dataclass(frozen=True)
class Site:
    """A page at ``/`` and the routes its script asks. One route runs at a time.

    Attributes:
        page: ``page(nonce, token)`` to HTML; the token must come back in the header ``X-Shoptalk-Token`` of a POST.
        get: path to what answers it from the address's query. post: path to what answers it from a JSON object.
    """

    page: Callable[[str, str], str]
    get: Mapping[str, Route] = field(default_factory=dict)
    post: Mapping[str, Route] = field(default_factory=dict)


class Refused(Exception):
    """A request that is not answered: a status and a sentence."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


@contextmanager
def serving(site: Site, host: str, port: int) -> Iterator[str]:
    """Serve ``site`` in the background; gives its address. A route under way at the end is waited for.

    Raises:
        InputError: the address cannot be had.
    """
    server = _listening(site, host, port)
    worker = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    worker.start()
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"http://{shown}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        server.lock.acquire()  # and never given back: a request that comes too late changes nothing


def serve(site: Site, host: str, port: int) -> None:
    """Serve until Ctrl-C or SIGTERM; prints the address, and a warning where others can reach the page."""
    with serving(site, host, port) as address, suppress(KeyboardInterrupt):
        for kind in (signal.SIGINT, signal.SIGTERM):  # a shell may have had a background program ignore the first
            signal.signal(kind, signal.default_int_handler)
        if host not in safety.LOOPBACK:
            print(f"warning: host={host}: whoever reaches this machine can read the page and use it, unencrypted.")
        print(f"Open {address} in a browser; Ctrl-C ends.", flush=True)
        Event().wait()


def _listening(site: Site, host: str, port: int) -> "_Server":
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536:
        raise InputError(f"port={port} is not possible; give a number from 1 to 65535, or 0 for any free one.")
    try:
        return _Server(site, host, port)
    except OSError as error:
        raise InputError(
            f"host={host} port={port} cannot be served on ({error.strerror or error}); give another port, or 0 for any."
        ) from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, site: Site, host: str, port: int):
        self.site, self.host, self.token, self.lock = site, host, secrets.token_urlsafe(24), Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own looks its name up in the network

    def handle_error(self, *_: Any) -> None:
        pass  # a browser that hung up


class _Handler(BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version, timeout = "HTTP/1.1", "shoptalk", "", 60
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, work: Callable[[str, dict[str, str]], None]) -> None:
        try:
            if not safety.known_host(self.headers["Host"], self.server.host):
                raise Refused(421, "This server does not go by that name; open it by the address it printed.")
            address = urlsplit(self.path)
            work(address.path, dict(parse_qsl(address.query, keep_blank_values=True)))
        except Refused as refusal:
            self.close_connection = True  # a body may be left unread
            self._send(refusal.status, {"error": str(refusal)})
        except InputError as error:
            self._send(400, {"error": str(error)})
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self.close_connection = True
            self._send(500, {"error": "The server failed; its terminal says why."})

    def _get(self, path: str, query: Mapping[str, str]) -> None:
        if path == "/":
            nonce = secrets.token_urlsafe(16)
            page = self.server.site.page(nonce, self.server.token)
            self._write(200, "text/html; charset=utf-8", page, {"Content-Security-Policy": safety.policy(nonce)})
        else:
            self._routed(self.server.site.get, path, query)

    def _post(self, path: str, _: Mapping[str, str]) -> None:
        if not safety.same_origin(self.headers["Origin"], self.headers["Host"]):
            raise Refused(403, "A page of another origin may change nothing here.")
        if not secrets.compare_digest((self.headers["X-Shoptalk-Token"] or "").encode(), self.server.token.encode()):
            raise Refused(403, "The page is from an earlier start of the server; reload it.")
        self._routed(self.server.site.post, path, self._body())

    def _routed(self, routes: Mapping[str, Route], path: str, given: Mapping[str, Any]) -> None:
        if path not in routes:
            raise Refused(404, "There is nothing at this address.")
        with self.server.lock:
            found = routes[path](given)
        self._send(200, found)

    def _body(self) -> Mapping[str, Any]:
        length = self.headers["Content-Length"] or ""
        if not length.isascii() or not length.isdigit() or int(length) > MOST_BYTES:
            raise Refused(413, f"A body needs a length of at most {MOST_BYTES:,} bytes.")
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, "The body must be JSON.")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise Refused(400, "The body is not valid JSON.") from error
        if not isinstance(body, dict):
            raise Refused(400, "The body is no JSON object.")
        return body

    def _send(self, status: int, found: Any) -> None:
        self._write(status, "application/json", json.dumps(found, ensure_ascii=True))

    def _write(self, status: int, kind: str, text: str, headers: Mapping[str, str] | None = None) -> None:
        raw = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in {**safety.HEADERS, **(headers or {}), "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        pass
