"""From prompts' token ids to answers, a batch at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from shoptalk.models import tokens
from shoptalk.models.ragged import Ragged
from shoptalk.sources.synthetic.language import Answer
from shoptalk.sources.synthetic.local.coding import Coder
from shoptalk.sources.synthetic.local.forward import forward, told
from shoptalk.sources.synthetic.local.prefix import Head
from shoptalk.sources.synthetic.local.sampling import Sampling


class Batch(Protocol):
    """Rows that are written together."""

    def first(self) -> Tensor:
        """Logits [b, v] of each row's first token."""
        ...

    def next(self, ids: Tensor) -> Tensor:
        """Logits [b, v] of what comes behind the tokens ``ids`` [b]."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        ...


class CausalBatch:
    """Rows of a causal model, padded on the left; what they share comes from ``head``."""

    def __init__(self, network, ids: Ragged, pad_id: int, head: Head | None):
        from transformers import DynamicCache

        self.network = network
        columns, mask = (part.to(network.device) for part in tokens.pad(ids, pad_id, "left"))
        self.mask = mask
        self.cache = head.spread((1 - mask).sum(dim=1)) if head else DynamicCache(config=network.config)
        # The first slots of all rows are in the cache, be they padding or shared tokens.
        self._columns = columns[:, head.size if head else 0 :]

    @torch.inference_mode()
    def first(self) -> Tensor:
        """See ``Batch``."""
        return forward(self.network, self._columns, self.mask, self.cache)

    @torch.inference_mode()
    def next(self, ids: Tensor) -> Tensor:
        """See ``Batch``."""
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)
        return forward(self.network, ids[:, None], self.mask, self.cache)

    @torch.inference_mode()
    def keep(self, rows: Tensor) -> None:
        """See ``Batch``."""
        self.mask = self.mask[rows]
        self.cache.reorder_cache(rows)


class Seq2SeqBatch:
    """Rows of a model whose encoder reads the prompt and whose decoder writes the answer.

    Args:
        start: the id that the decoder begins with.
    """

    def __init__(self, network, ids: Ragged, pad_id: int, start: int):
        from transformers import DynamicCache, EncoderDecoderCache

        self.network, self._start = network, start
        self._columns, self.mask = (part.to(network.device) for part in tokens.pad(ids, pad_id))
        self.cache = EncoderDecoderCache(DynamicCache(), DynamicCache())

    @torch.inference_mode()
    def first(self) -> Tensor:
        """See ``Batch``."""
        encoder = self.network.get_encoder()
        self._read = encoder(input_ids=self._columns, attention_mask=self.mask).last_hidden_state
        return self.next(self._columns.new_full((len(self._columns),), self._start))

    @torch.inference_mode()
    def next(self, ids: Tensor) -> Tensor:
        """See ``Batch``."""
        from transformers.modeling_outputs import BaseModelOutput

        return self.network(
            encoder_outputs=BaseModelOutput(last_hidden_state=self._read),
            attention_mask=self.mask,
            decoder_input_ids=ids[:, None],
            use_cache=True,
            **told(self.network, self.cache),
        ).logits[:, -1]

    @torch.inference_mode()
    def keep(self, rows: Tensor) -> None:
        """See ``Batch``."""
        self.mask, self._read = self.mask[rows], self._read[rows]
        self.cache.reorder_cache(rows)


@dataclass(frozen=True)
class Ending:
    """Where an answer ends.

    Attributes:
        eos: tokens by which the model itself ends.
        stop: strings that end an answer; white space before its first word does not count.
        limit: most tokens.
    """

    coder: Coder
    eos: frozenset[int]
    stop: Sequence[str]
    limit: int

    def __call__(self, ids: Sequence[int]) -> Answer | None:
        """The answer that ``ids`` make, ``None`` where it goes on."""
        closed = ids[-1] in self.eos
        text = self.coder.text(ids[:-1] if closed else ids).lstrip()
        ends = [place for string in self.stop if (place := text.find(string)) >= 0]
        if not closed and not ends:
            return Answer(None, f"no end within {self.limit} tokens") if len(ids) == self.limit else None
        text = text[: min(ends, default=None)].strip()
        return Answer(text) if text else Answer(None, "the model wrote nothing")


def decode(
    batch: Batch, draws: Tensor, sampling: Sampling, ending: Callable[[Sequence[int]], Answer | None]
) -> Iterator[tuple[int, Answer]]:
    """Each row of a batch and its answer, as rows end, which then leave the batch.

    Args:
        draws: uniform numbers [b, n] on the CPU; n tokens are written at most.
        ending: the answer that a row's tokens make, ``None`` where it goes on; n tokens always make one.
    """
    written: list[list[int]] = [[] for _ in draws]
    there, logits = torch.arange(len(draws)), batch.first()
    for step in range(draws.shape[1]):
        chosen = sampling.choose(logits, draws[there, step].to(logits.device))
        going = []
        for place, (row, token) in enumerate(zip(there.tolist(), chosen.tolist(), strict=True)):
            written[row].append(token)
            if answer := ending(written[row]):
                yield row, answer
            else:
                going.append(place)
        if not going:
            return
        if len(going) < len(there):
            left = torch.tensor(going)
            there, chosen = there[left], chosen[left.to(chosen.device)]
            batch.keep(left.to(chosen.device))
        logits = batch.next(chosen)
