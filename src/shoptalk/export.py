"""A trained encoder as a folder that others load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shoptalk.models.encoder import Encoder
    from shoptalk.models.static import StaticEncoder


def export(encoder: Encoder | StaticEncoder, folder: str | Path, card: str | None = None) -> Path:
    """Write ``encoder`` so that ``SentenceTransformer(folder)`` gives the same vectors.

    Args:
        card: text of the model card, written as ``README.md``; ``None`` writes none.

    Returns:
        The folder.
    """
    place = Path(folder)
    encoder.save(place)
    if card is not None:
        (place / "README.md").write_text(card, encoding="utf-8")
    return place
