"""A trained encoder as a folder that others load."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from shoptalk.errors import InputError

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


def interpolate(base: Encoder | StaticEncoder, adapted: Encoder | StaticEncoder, alpha: float) -> Encoder:
    """An encoder whose weights lie between two: ``alpha`` 0 gives those of ``base``, 1 those of ``adapted``.

    Averages of weights before and after fine-tuning often keep more of what the base model could (WiSE-FT, Wortsman et
    al. 2022). Everything but the weights is ``adapted``'s; both stay as they are.

    Raises:
        InputError: ``alpha`` lies outside [0, 1], or the two differ in the names or shapes of their weights.
    """
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 <= alpha <= 1:
        raise InputError(f"alpha={alpha} cannot weigh two models; give a number from 0 to 1.")
    first, last = base.state_dict(), adapted.state_dict()
    if {name: weight.shape for name, weight in first.items()} != {name: w.shape for name, w in last.items()}:
        raise InputError("Two models of different shape have no average; interpolate a model with its own base.")
    between = deepcopy(adapted)
    between.load_state_dict({
        # Counters and ids are no weights.
        name: first[name].to(weight).lerp(weight, alpha) if weight.is_floating_point() else weight
        for name, weight in last.items()
    })  # fmt: skip
    return between
