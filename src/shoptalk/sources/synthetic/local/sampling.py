"""Which token comes next: a function of its chances and of one number that the prompt alone decides."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from shoptalk.cache import digest_texts
from shoptalk.sources.synthetic.language import Prompt


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        temperature: logits are divided by it, at least 0; at 0 the likeliest token is always taken.
        top_p: draw from the likeliest tokens whose chances reach this sum, in (0, 1] (nucleus sampling, Holtzman et
            al. 2020, section 3.1).
    """

    temperature: float
    top_p: float

    def draws(self, prompt: Prompt, count: int) -> np.ndarray:
        """Uniform numbers in [0, 1), float64 [count], one per token; more of them begin with the same."""
        text = int(digest_texts([prompt.prefix, prompt.rest])[:16], 16)
        return np.random.default_rng([prompt.seed, text]).random(count)

    @torch.inference_mode()
    def choose(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """Logits [b, v] and a number [b] each to token ids [b], row by row: no row sees another.

        The inverse of the cumulated chances, in the order of the vocabulary: rounding, which differs with a batch's
        shape, moves its steps by no more than itself, where an order by chance could swap two tokens.
        """
        if self.temperature == 0:
            return logits.argmax(dim=-1)
        chances, ids = self._nucleus(torch.softmax(logits.float() / self.temperature, dim=-1))
        reached = chances.double().cumsum(dim=-1)
        place = torch.searchsorted(reached, uniform[:, None] * reached[:, -1:], right=True)
        place = place.clamp(max=reached.shape[1] - 1).squeeze(1)
        return place if ids is None else ids.gather(1, place[:, None]).squeeze(1)

    def _nucleus(self, chances: Tensor) -> tuple[Tensor, Tensor | None]:
        """Chances [b, k] left and their tokens in ascending order; ``None`` for the whole vocabulary.

        Only as many of the largest chances are sorted as are needed: sorting all takes longer than a small model.
        """
        if self.top_p == 1:
            return chances, None
        size, total = 64, chances.shape[1]
        while True:
            top, ids = chances.topk(min(size, total), dim=-1)
            before = top.cumsum(dim=-1) - top
            if size >= total or bool((before[:, -1] >= self.top_p).all()):
                break
            size *= 8
        ids, order = ids.sort(dim=-1)
        return (top * (before < self.top_p)).gather(1, order), ids
