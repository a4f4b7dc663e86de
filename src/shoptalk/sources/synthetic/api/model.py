"""The language model that answers over HTTP."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.remote.asking import Asking
from shoptalk.remote.background import events
from shoptalk.remote.budget import NOTHING, Budget, Prices, Used
from shoptalk.remote.endpoint import Endpoint
from shoptalk.remote.limits import Clock, Pace
from shoptalk.remote.options import Options
from shoptalk.sources.pairs import Voice
from shoptalk.sources.synthetic.api.chat import PATH, ChatReader, Estimate, body
from shoptalk.sources.synthetic.language import Answer, Prompt

RESERVED = ("model", "messages", "stream", "n", "temperature", "max_tokens", "max_completion_tokens")


class ApiModel:
    """A model behind any endpoint that speaks OpenAI's ``/chat/completions``: vLLM, Ollama, a vendor.

    Args:
        url: base address; ``/chat/completions`` is added.
        model: its name there.
        key_from: name of the environment variable that holds the key; ``None`` where none is needed.
        temperature: of sampling, 0 or more; ``None`` leaves it to the endpoint.
        max_tokens: the longest answer; one that is cut there counts as none.
        max_tokens_as: the request's field for it; OpenAI's reasoning models want ``max_completion_tokens``.
        extra: further fields of each request as the endpoint documents them (whether the model thinks, for one);
            ``seed: null`` leaves out the prompt's seed where an endpoint refuses it.
        concurrency: requests on their way at once.
        requests_per_minute: starts of requests are spaced to this; ``None`` for no limit.
        timeout_s: for one request.
        tries: requests for one prompt at most.
        budget_tokens, budget_money: what may be spent, read and written together, while this object lives;
            ``None`` for no limit. A request that could pass it is not made. What ran before is not counted.
        prices: money per million tokens as ``input`` and ``output``; ``None`` where unknown.
        characters_per_token: to estimate what a prompt costs before the endpoint has counted; about 4 for English,
            1 for Chinese.
        clock: time, for tests.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key_from: str | None = None,
        temperature: float | None = 0.7,
        max_tokens: int = 256,
        max_tokens_as: str = "max_tokens",
        extra: Mapping[str, object] | None = None,
        concurrency: int = 8,
        requests_per_minute: float | None = None,
        timeout_s: float = 120.0,
        tries: int = 5,
        budget_tokens: int | None = 2_000_000,
        budget_money: float | None = None,
        prices: Mapping[str, float] | None = None,
        characters_per_token: float = 4.0,
        clock: Clock | None = None,
    ):
        self.options = options = Options("generator.model")
        self.url, self.key_from = options.address(url), options.variable(key_from)
        self.model, self.concurrency = options.named(model), options.whole("concurrency", concurrency)
        self.tries, self.timeout_s = options.whole("tries", tries), options.number("timeout_s", timeout_s)
        self.estimate = Estimate(
            options.number("characters_per_token", characters_per_token), options.whole("max_tokens", max_tokens)
        )
        self.fields = self._fields(temperature, max_tokens_as, extra)
        self.budget = Budget(budget_tokens, budget_money, Prices.of(prices, options), options)
        per_minute = requests_per_minute
        if per_minute is not None:
            per_minute = options.number("requests_per_minute", per_minute)
        self.pace = Pace(per_minute, clock or Clock())
        # Not the address: the same model answers alike wherever it is served.
        self.identity = digest("api", self.fields)

    def _fields(self, temperature: object, max_tokens_as: str, extra: Mapping | None) -> dict[str, object]:
        """Of every request's body, all but its messages and seed."""
        extra = self.options.extra(extra, RESERVED)
        if max_tokens_as not in ("max_tokens", "max_completion_tokens"):
            raise InputError(
                f"generator.model.max_tokens_as={max_tokens_as} is not possible; "
                "give max_tokens or max_completion_tokens."
            )
        if temperature is not None:
            temperature = self.options.number("temperature", temperature, zero=True)
        limit = self.estimate.max_tokens
        return {"model": self.model, "temperature": temperature, max_tokens_as: limit, **extra}

    def plan(self, prompts: Sequence[Prompt]) -> str:
        """Requests, tokens and money that answering may take, in a sentence.

        Raises:
            InputError: more than is left of the budget, or there is no key.
        """
        self.options.key(self.key_from, os.environ)
        most = sum((self.estimate.worst(prompt) for prompt in prompts), NOTHING)
        if excess := self.budget.excess(most):
            raise InputError(
                f"{excess}, as {len(prompts):,} prompts may take {self._said(most)}: "
                "raise it, ask for fewer queries or lower generator.model.max_tokens."
            )
        return (
            f"{self.model} at {self.url} will get {len(prompts):,} requests: {self._said(most)}{self.budget.limits()}."
        )

    def answers(self, prompts: Sequence[Prompt], voice: Voice) -> Iterator[tuple[int, Answer]]:
        """``(place, answer)`` of each prompt exactly once, as they come.

        A prompt that no try got an answer for gives its last fault. One sentence is said for each incident.

        Raises:
            InputError: the key, the model or an option is refused, the endpoint is gone or the budget spent;
                requests that were on their way have been waited for and their answers given.
        """
        if not prompts:
            return
        key = self.options.key(self.key_from, os.environ)
        reader = ChatReader(self.options.head, self.url, self.model, self.key_from, key, self.estimate.max_tokens)
        endpoint = Endpoint(reader, PATH, partial(body, fields=self.fields), self.timeout_s)
        worst = self.estimate.worst
        asking = Asking(prompts, endpoint, self.budget, worst, self.pace, self.concurrency, self.tries)
        done = 0
        with voice.bar(f"asking {self.model}") as tell, closing(events(asking.all)) as happening:
            for event in happening:
                if isinstance(event, str):
                    voice.say(event)
                    continue
                done += 1
                tell(done, len(prompts))
                place, reply = event
                yield place, Answer(reply.answer, reply.why, lasting=not reply.again)

    def _said(self, used: Used) -> str:
        return (
            f"about {used.read:,} tokens in ({self.estimate.characters_per_token:g} characters each) and at most "
            f"{used.written:,} out ({self.estimate.max_tokens} an answer){self.budget.said(used)}"
        )
