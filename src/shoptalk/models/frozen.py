"""Vectors by weights that stand still."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from shoptalk.models import tokens
from shoptalk.models.ragged import Ragged
from shoptalk.models.tokens import Progress

_EACH = 2  # chunks for each core at least: with fewer, some would stand idle


@dataclass(frozen=True)
class Frozen:
    """Texts to unit vectors in torch's inference mode, chunk by chunk.

    Args:
        use: ``(texts, prompt_length)`` to vectors [n, d].
        dimension: d.
        device: where that happens.
        together: whether ``use`` works on a CPU and may be called by several threads at once. Then each core has a
            chunk to itself where there are enough of them: a text stays in one core's cache through all layers.
    """

    use: Callable[[Ragged, int], Tensor]
    dimension: int
    device: torch.device
    together: bool = False

    def __call__(
        self,
        ids: Ragged,
        prompt_length: int = 0,
        progress: Progress | None = None,
        chunk_tokens: int | None = None,
    ) -> np.ndarray:
        """Unit vectors, float32 [n, d]; the arguments are those of ``Encoder.embed_ids``."""

        def unit(rows: np.ndarray) -> Tensor:
            vectors = self.use(ids.take(rows), prompt_length)
            return nn.functional.normalize(vectors.float(), dim=-1)

        plan = tokens.chunks(ids.lengths, chunk_tokens or tokens.FASTEST[self.device.type])
        with torch.inference_mode():
            return tokens.gather(self._each(unit, plan), plan, torch.empty(len(ids), self.dimension), progress)

    def _each(self, unit: Callable[[np.ndarray], Tensor], plan: Sequence[np.ndarray]) -> Iterator[Tensor]:
        cores = torch.get_num_threads() if self.together else 1
        return map(unit, plan) if cores == 1 or len(plan) < _EACH * cores else side_by_side(unit, plan, cores)


def side_by_side(unit: Callable[[np.ndarray], Tensor], plan: Sequence[np.ndarray], cores: int) -> Iterator[Tensor]:
    """``unit(rows)`` of each part in inference mode, in their order; so many at a time, on one thread each."""
    pool = ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield from pool.map(torch.inference_mode()(unit), plan)
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C waits for the parts begun, not for all
        torch.set_num_threads(cores)  # what a worker set holds for threads to come
