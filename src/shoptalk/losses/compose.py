"""The switches that go with any loss."""

from collections.abc import Sequence

from shoptalk.losses.base import Loss
from shoptalk.losses.matryoshka import Matryoshka
from shoptalk.losses.spread_out import SpreadOut


def composed(base: Loss, matryoshka: Sequence[int] | None = None, spread_out: float = 0.0) -> Loss:
    """``base``, over several lengths of the vectors if asked, spread out if asked.

    Args:
        base: any loss.
        matryoshka: lengths at which ``base`` is taken, see ``Matryoshka``; ``None`` takes the full length alone.
        spread_out: strength of ``SpreadOut``, added once, on the full vectors; 0 leaves it out.
    """
    loss = base if matryoshka is None else Matryoshka(base, matryoshka)
    return SpreadOut(loss, spread_out) if spread_out else loss
