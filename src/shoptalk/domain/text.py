"""Normalised spelling: when two queries count as the same."""

import unicodedata

_TERMINAL = " \t.,;:!?…"


def normalise(text: str) -> str:
    """NFKC, case-folded, white space collapsed, terminal punctuation trimmed.

    Never stems and never strips hyphens, digits or units: jargon lives there.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).rstrip(_TERMINAL)
