"""A scripted ``/chat/completions`` endpoint on the loopback interface."""

import json
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.owner.handle(self, body)

    do_GET = do_POST

    def log_message(self, *_):
        pass

    def send(self, code, body=b"", headers=(), length=None):
        self.send_response(code)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length is not None


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # a client that hung up


class LlmServer:
    """Answers each prompt by its script, and after it "query for <prompt>".

    Attributes:
        script: prompt to what its first tries meet: functions of (handler, body).
        asked, answered: prompts as they came, and how often each was answered in full with an answer that is paid for.
        times, bodies, headers: of the requests.
        most: requests that waited at once, each for ``delay`` seconds.
        dies_after: answers after which nothing is answered and nobody listens, until ``revived``.
    """

    def __init__(self, script=None, delay=0.0, usage=(10, 5), dies_after=None):
        self.script, self.delay, self.usage, self.dies_after = defaultdict(list, script or {}), delay, usage, dies_after
        self.asked, self.times, self.bodies, self.headers, self.answered = [], [], [], [], Counter()
        self.most = self.waiting = self.here = 0
        self.over, self.dead, self.lock = Event(), Event(), Lock()
        self._listen(0)
        self.port = self.listener.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def _listen(self, port):
        self.listener = Listener(("127.0.0.1", port), Handler)
        self.listener.owner = self
        Thread(target=self.listener.serve_forever, args=(0.01,), daemon=True).start()

    def handle(self, handler, body):
        prompt = self.prompt_of(body)
        with self.lock:
            self.asked.append(prompt)
            self.times.append(time.monotonic())
            self.bodies.append(body)
            self.headers.append(dict(handler.headers))
            self.here += 1
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            act = self.script[prompt].pop(0) if self.script[prompt] else self.usual()
        try:
            time.sleep(self.delay)
            with self.lock:
                self.waiting -= 1  # before the answer, upon which the next request may come at once
            act(handler, body)
        finally:
            with self.lock:
                self.here -= 1

    def prompt_of(self, body):
        """What a request is known by."""
        return body["messages"][-1]["content"]

    def usual(self):
        return answer()

    def full(self, handler, prompt, reply):
        """Send an answer in full, unless the server is dead."""
        with self.lock:
            dead = self.dies_after is not None and self.answered.total() >= self.dies_after
            if not dead:
                self.answered[prompt] += 1
        if dead:
            self.die()
            drop(handler, None)
        else:
            handler.send(200, json.dumps(reply).encode())

    def die(self):
        with self.lock:
            listener, self.listener = self.listener, None
        if listener:
            listener.shutdown()
            listener.server_close()
            self.dead.set()

    def revived(self):
        self.dead.wait()
        self.dead.clear()
        self.dies_after = None
        self._listen(self.port)

    def stop(self):
        self.over.set()
        self.die()


@contextmanager
def serving(*args, **kwargs):
    server = LlmServer(*args, **kwargs)
    try:
        yield server
    finally:
        server.stop()


def answer(text=None, finish="stop", usage="server's", **more):
    def act(handler, body):
        server, prompt = handler.server.owner, body["messages"][-1]["content"]
        content = f"query for {prompt}" if text is None else text
        reply = {"choices": [{"message": {"content": content}, "finish_reason": finish}], **more}
        counts = server.usage if usage == "server's" else usage
        if counts:
            reply["usage"] = dict(zip(("prompt_tokens", "completion_tokens"), counts, strict=True))
        server.full(handler, prompt, reply)

    return act


def status(code, words="what is wrong", **headers):
    body = json.dumps({"error": {"message": words, "type": "some_error"}}).encode()
    return lambda handler, _: handler.send(code, body, {name.replace("_", "-"): v for name, v in headers.items()})


def raw(body, length=None):
    """A response of code 200; one of less than its ``length`` is broken off."""
    return lambda handler, _: handler.send(200, body, length=length)


def drop(handler, _):
    """Hang up without a word."""
    handler.close_connection = True


def stall(handler, _):
    """Say nothing for longer than anybody waits."""
    handler.server.owner.over.wait(5)
    handler.close_connection = True
