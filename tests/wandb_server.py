"""A stand-in for the W&B API on the loopback: answers what the client asks before it sends, records all it is sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

VIEWER = {"id": "V1", "username": "ada", "name": "Ada", "email": "", "admin": False, "flags": "{}", "entity": "team",
          "teams": {"edges": []}, "apiKeys": {"edges": []}, "deletedAt": None}  # fmt: skip


class Server:
    """``asked`` holds every GraphQL request, ``received`` every body; ``refuse`` makes it answer with that status."""

    def __init__(self):
        self.asked: list[dict] = []
        self.received: list[bytes] = []
        self.refuse = 0

    def answer(self, asked: dict) -> dict:
        text, given = asked["query"], asked.get("variables") or {}
        if "upsertView" in text:
            named = {"entityName": given["entityName"], "name": given["projectName"], "id": "P1"}
            view = {"id": "Vmlldzox", "type": "runs", "name": given["name"], "displayName": given["displayName"],
                    "description": "", "project": named, "spec": given["spec"], "updatedAt": None}  # fmt: skip
            return {"upsertView": {"view": view, "inserted": True}}
        if "upsertModel" in text:
            return {
                "upsertModel": {"model": {"id": "P1", "name": given.get("name")}, "project": None, "inserted": True}
            }
        if "ProjectInternalId" in text:
            return {"project": {"id": "P1", "internalId": "UHJvamVjdEludGVybmFsSWQ6MQ=="}}
        if "viewer" in text:
            return {"viewer": VIEWER, "serverInfo": {"features": []}}
        return {"models": {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}}

    @property
    def specification(self) -> dict:
        """The one report that was sent."""
        [given] = [asked["variables"] for asked in self.asked if "upsertView" in asked["query"]]
        return given


@contextmanager
def wandb_server() -> Iterator[tuple[str, Server]]:
    """Its address, and what it records."""
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append(body)
            if self.path == "/graphql" and not told.refuse:
                told.asked.append(json.loads(body))
                status, body = 200, json.dumps({"data": told.answer(told.asked[-1])}).encode()
            else:
                status, body = told.refuse or 404, b"{}"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        server.server_close()
