"""An encoder as a server holds it: laid out once, asked one query after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from shoptalk.cache import digest
from shoptalk.models.encoder import Encoder
from shoptalk.models.precision import inference, preferred_precision
from shoptalk.models.tokens import Progress


class Held:
    """An ``Encoder`` whose weights stand still, in one precision: the vectors of ``embed``, sooner.

    ``Encoder.embed`` lays its weights out anew at every call, for they may have been trained since; for a single
    query that takes as long as the query.

    Args:
        encoder: put into evaluation mode; must not be trained any more.
        precision: ``auto``, ``bf16`` or ``fp32``, as of ``Encoder.embed``.

    Attributes:
        precision: what ``auto`` is here.
    """

    def __init__(self, encoder: Encoder, precision: str = "auto"):
        self.encoder = encoder.eval()
        self.precision = preferred_precision(encoder.device) if precision == "auto" else precision
        with inference(encoder.backbone, self.precision, encoder.device) as backbone:
            self._frozen = encoder.frozen(backbone)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self.encoder.dimension

    @property
    def digest(self) -> str:
        """Hash of all that determines the vectors."""
        return digest("held", self.encoder.digest, self.precision)

    def embed(self, texts: Sequence[str], kind: str, *, progress: Progress | None = None) -> np.ndarray:
        """Unit vectors of texts, float32 [n, d]; see ``Encoder.embed``."""
        encoder = self.encoder
        ids, prompt_length = encoder.tokenize(texts, kind), encoder.prompt_length(kind)
        with torch.autocast(encoder.device.type, enabled=False):
            return self._frozen(ids, prompt_length, progress)

    def save(self, folder: str | Path) -> None:
        """Write the encoder, in float32; see ``Encoder.save``."""
        self.encoder.save(folder)


def held(encoder, precision: str = "auto"):
    """``encoder`` as ``Held`` where it is an ``Encoder``; as it is where that lays nothing out, as a static one."""
    return Held(encoder, precision) if isinstance(encoder, Encoder) else encoder
