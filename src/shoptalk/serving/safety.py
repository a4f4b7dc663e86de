"""Whom the server answers: nobody whose browser was led here by a foreign page."""

import ipaddress
import socket
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def policy(nonce: str) -> str:
    """The Content-Security-Policy of a page: its own script and style, its own server, and nothing else."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def known_host(header: str | None, bound: str) -> bool:
    """Whether a ``Host`` header names this server, ``bound`` to an address.

    A page whose name was pointed at this machine (DNS rebinding) sends its own name. Ports may differ, as they do
    behind a tunnel.
    """
    name = _host(header)
    if name in LOOPBACK or (name is not None and name == bound.lower()):
        return True
    if bound in LOOPBACK or name is None:
        return False
    return _is_address(name) or name == socket.gethostname().lower()


def same_origin(origin: str | None, host: str | None) -> bool:
    """Whether ``Origin`` is the server's own page, or is not sent at all."""
    return origin is None or origin == f"http://{host}"


def _host(header: str | None) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname if header else None
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
