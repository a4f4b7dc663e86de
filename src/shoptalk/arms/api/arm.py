"""An embedding model behind an endpoint, under comparison."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial

import numpy as np

from shoptalk.arms.api.batches import PATH, Batch, Length, VectorReader, worst
from shoptalk.arms.api.store import Vectors
from shoptalk.arms.base import Bench, Opened
from shoptalk.cache import digest, digest_texts
from shoptalk.errors import InputError
from shoptalk.remote.asking import Asking
from shoptalk.remote.background import events
from shoptalk.remote.budget import NOTHING, Budget, Prices
from shoptalk.remote.endpoint import Endpoint
from shoptalk.remote.limits import Clock, Pace
from shoptalk.remote.options import Options
from shoptalk.retrieval.cached import CachedSearch
from shoptalk.retrieval.dense import Dense

KINDS = ("query", "document")
RESERVED = ("model", "input", "dimensions", "input_type", "encoding_format")


class ApiArm:
    """A model behind any endpoint that speaks OpenAI's ``/embeddings``, searched exactly.

    Args:
        url: base address; ``/embeddings`` is added.
        model: its name there.
        key_from: name of the environment variable that holds the key; ``None`` where none is needed.
        dimensions: the request's field of that name; ``None`` leaves it out.
        input_type: by kind, ``query`` and ``document``, the request's field of that name; ``None`` leaves it out.
        prompts: by kind, put before each text.
        max_characters: of a text, prompt included; what is longer is cut. ``None`` cuts nothing.
        extra: further fields of each request.
        batch: texts of a request.
        concurrency, requests_per_minute, timeout_s, tries, characters_per_token, clock: as of ``ApiModel``.
        budget_tokens, budget_money: what may be spent while this object lives; ``None`` for no limit. A request that
            could pass it is not made. What ran before is not counted.
        price: money per million tokens; ``None`` where unknown.
    """

    def __init__(
        self,
        url: str,
        model: str,
        name: str | None = None,
        key_from: str | None = None,
        dimensions: int | None = None,
        input_type: Mapping[str, str | None] | None = None,
        prompts: Mapping[str, str] | None = None,
        max_characters: int | None = None,
        extra: Mapping[str, object] | None = None,
        batch: int = 64,
        concurrency: int = 4,
        requests_per_minute: float | None = None,
        timeout_s: float = 60.0,
        tries: int = 5,
        budget_tokens: int | None = 10_000_000,
        budget_money: float | None = None,
        price: float | None = None,
        characters_per_token: float = 4.0,
        clock: Clock | None = None,
    ):
        self.options = options = Options("models: api")
        self.url, self.key_from = options.address(url), options.variable(key_from)
        self.model, self.name = options.named(model), name or str(model)
        self.batch, self.concurrency = options.whole("batch", batch), options.whole("concurrency", concurrency)
        self.tries, self.timeout_s = options.whole("tries", tries), options.number("timeout_s", timeout_s)
        self.most = None if max_characters is None else options.whole("max_characters", max_characters)
        self.prompts = self._by_kind("prompts", prompts)
        length = None if dimensions is None else options.whole("dimensions", dimensions)
        fields = {"model": model, "dimensions": length, **options.extra(extra, RESERVED)}
        types = self._by_kind("input_type", input_type)
        self.fields = {kind: {**fields, "input_type": types.get(kind)} for kind in KINDS}
        prices = None if price is None else Prices(options.number("price", price, zero=True), 0.0)
        self.budget = Budget(budget_tokens, budget_money, prices, options, priced="price")
        per_token = options.number("characters_per_token", characters_per_token)
        self.worst = partial(worst, characters_per_token=per_token)
        per_minute = requests_per_minute
        self.pace = Pace(per_minute and options.number("requests_per_minute", per_minute), clock or Clock())

    def open(self, bench: Bench) -> Opened:
        """See ``Arm``; every vector is kept in the cache as it comes."""
        embed, passages = partial(self._embedded, bench), bench.corpus.passages
        vectors = embed(passages, "document")
        asked = [[self._identity(kind), self.prompts[kind]] for kind in KINDS]
        content = digest("api search", asked, self.most, bench.corpus.digest)
        cut = sum(len(self._text(text, "document")) < len(self.prompts["document"] + text) for text in passages)
        notices = [f"{self.name}: {cut:,} documents are cut at max_characters={self.most}."] if cut else []
        return Opened(
            CachedSearch(lambda: Dense(embed, vectors), content, bench.cache),
            vectors=vectors,
            facts={"dimension": vectors.shape[1]},
            notices=notices,
        )

    def _by_kind(self, option: str, given: Mapping[str, str | None] | None) -> dict[str, str]:
        given = given or {}
        if not isinstance(given, Mapping) or not set(given) <= set(KINDS):
            raise InputError(f"models: api.{option}={given} is not possible; give query and document, each a text.")
        return {kind: given.get(kind) or ("" if option == "prompts" else None) for kind in KINDS}

    def _text(self, text: str, kind: str) -> str:
        return (self.prompts[kind] + text)[: self.most]

    def _identity(self, kind: str) -> str:
        """Hash of all that decides a vector beside the text. Not the address: a model is itself wherever it is."""
        return digest("api vectors", 1, self.fields[kind])

    def _embedded(self, bench: Bench, texts: Sequence[str], kind: str) -> np.ndarray:
        """Unit vectors float32 [n, d], memory-mapped."""
        texts = [self._text(text, kind) for text in texts]
        kept = Vectors.of(bench.cache, self._identity(kind))
        if missing := kept.missing(texts):
            self._fetch(bench, missing, kind, kept)
        key = digest(self._identity(kind), digest_texts(texts))
        shape = (len(texts), kept.dimension() or 0)
        return bench.cache.rows("embeddings", key, shape, lambda: kept.find(texts, shape[1]))

    def _fetch(self, bench: Bench, texts: Sequence[str], kind: str, kept: Vectors) -> None:
        """Ask for the vectors of ``texts``; each answer is kept before the next is looked at."""
        parts = [tuple(texts[start : start + self.batch]) for start in range(0, len(texts), self.batch)]
        batches = [Batch(part, seed) for seed, part in enumerate(parts)]
        key = self.options.key(self.key_from, os.environ)
        self._plan(bench, batches, kind)
        # Queries and documents must be of one length; which of them was asked for first does not matter.
        known = [Vectors.of(bench.cache, self._identity(one)).dimension() for one in KINDS]
        length = Length(next((dimension for dimension in known if dimension), None))
        reader = VectorReader(self.options.head, self.url, self.model, self.key_from, key, length)
        endpoint = Endpoint(reader, PATH, partial(self._body, kind=kind), self.timeout_s)
        needed = "set models: api.max_characters if it is too long"
        asking = Asking(
            batches, endpoint, self.budget, self.worst, self.pace, self.concurrency, self.tries, "request", needed
        )
        done = 0
        asked = f"asking {self.model} for {len(texts):,} vectors"
        with bench.bar(asked) as tell, closing(events(asking.all)) as happening:
            for event in happening:
                if isinstance(event, str):
                    bench.say(event)
                elif event[1].answer is not None:
                    kept.keep(batches[event[0]].texts, event[1].answer)
                    done += len(batches[event[0]].texts)
                    tell(done, len(texts))

    def _body(self, batch: Batch, kind: str) -> dict[str, object]:
        return {"input": list(batch.texts), **self.fields[kind]}

    def _plan(self, bench: Bench, batches: Sequence[Batch], kind: str) -> None:
        """Say what it will take.

        Raises:
            InputError: that is more than is left of the budget.
        """
        most = sum((self.worst(batch) for batch in batches), NOTHING)
        texts = sum(len(batch.texts) for batch in batches)
        said = f"about {most.read:,} tokens{self.budget.said(most)}"
        if excess := self.budget.excess(most):
            raise InputError(f"{excess}, as {texts:,} {kind} texts take {said}: raise it.")
        requests = f"{texts:,} {kind} texts in {len(batches):,} requests"
        bench.say(f"{self.model} at {self.url} will get {requests}: {said}{self.budget.limits()}.")
