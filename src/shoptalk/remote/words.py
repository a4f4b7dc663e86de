"""What an endpoint says of a fault, fit to be repeated in one line."""

import json
import re

MOST = 160  # characters
PIECE = 8  # characters of a key that betray it


def spoken(body: bytes, key: str | None) -> str:
    """The endpoint's own words for a fault: one line, cut short, every word that holds a part of ``key`` removed."""
    text = _message(body)
    if key:
        pieces = {key[at : at + PIECE] for at in range(max(1, len(key) - PIECE + 1))}
        text = re.sub(r"\S+", lambda word: "***" if any(piece in word[0] for piece in pieces) else word[0], text)
    # Square brackets are markup to the console.
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split()).translate(str.maketrans("[]", "()"))
    return (text if len(text) <= MOST else text[:MOST] + "…").rstrip(". ") or "no words"


def _message(body: bytes) -> str:
    """``{"error": {"message": …}}`` as OpenAI and vLLM say it, ``{"error": …}`` or ``{"detail": …}``, or all of it."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    while isinstance(said, dict):
        said = next((said[name] for name in ("error", "message", "detail") if said.get(name)), None) or str(said)
    return said if isinstance(said, str) else json.dumps(said)
