"""A scripted ``/embeddings`` endpoint on the loopback interface."""

import hashlib
from contextlib import contextmanager

import numpy as np
from llm_server import LlmServer


class EmbeddingServer(LlmServer):
    """Answers each batch by the script of its first text, and after it with ``vector`` of each text, in any order."""

    def prompt_of(self, body):
        return body["input"][0]

    def usual(self):
        return vectors()

    @property
    def paid(self):
        """How often each text was answered in full."""
        first = {body["input"][0]: body["input"] for body in self.bodies}
        return {text: times for start, times in self.answered.items() for text in first[start]}


@contextmanager
def embedding(*args, **kwargs):
    server = EmbeddingServer(*args, **kwargs)
    try:
        yield server
    finally:
        server.stop()


def vector(text, length=8):
    """A vector of any length drawn from the text, never a unit one."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    return (3 * np.random.default_rng(seed).normal(size=length)).tolist()


def vectors(length=8, leave_out=0, of=vector, tokens=3):
    """An answer; ``leave_out`` of its vectors are missing, and each text counts as so many tokens."""

    def act(handler, body):
        texts = body["input"][: len(body["input"]) - leave_out]
        data = [{"object": "embedding", "index": i, "embedding": of(text, length)} for i, text in enumerate(texts)]
        usage = {"prompt_tokens": tokens * len(texts), "total_tokens": tokens * len(texts)}
        reply = {"object": "list", "data": data[::-1], "usage": usage}
        handler.server.owner.full(handler, body["input"][0], reply)

    return act
