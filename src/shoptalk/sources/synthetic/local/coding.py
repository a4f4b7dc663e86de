"""Prompts as a model's token ids: plain text for a base model, messages for a chat model."""

import re
from collections.abc import Sequence

from shoptalk.models import tokens
from shoptalk.models.ragged import Ragged
from shoptalk.sources.synthetic.language import Prompt


class Coder:
    """Codes prompts.

    A tokenizer with a chat template gets the prefix as the system's message and the rest as the user's; where its
    template knows no system, both as the user's. Models that can think first are told not to. Without a template
    prefix and rest are one text. Either way a prompt is coded whole, so that its tokens do not depend on what is
    computed once for many; and special tokens' names in it become spaces: no document can end its own message.

    Args:
        tokenizer: of transformers, fast.
        closed: whether a text ends with the tokenizer's last special tokens, as an encoder wants it.
    """

    def __init__(self, tokenizer, closed: bool):
        self.tokenizer = tokenizer
        special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        self._special = re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or "(?!)")
        self.chat = bool(tokenizer.chat_template)
        self._system = self.chat and self._knows_system()
        before, behind = ([], []) if self.chat else tokens.around(tokenizer)
        self._before, self._behind = before, behind if closed else []

    def __call__(self, prompts: Sequence[Prompt]) -> Ragged:
        """The token ids of each prompt."""
        return Ragged.coded(self._coded, prompts)

    def text(self, ids: Sequence[int]) -> str:
        """Ids as text without special tokens."""
        return self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def _coded(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        texts = [self._rendered(prompt) for prompt in prompts]
        inner = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return [[*self._before, *ids, *self._behind] for ids in inner]

    def _rendered(self, prompt: Prompt) -> str:
        prefix, rest = (self._special.sub(" ", text) for text in (prompt.prefix, prompt.rest))
        if not self.chat:
            return prefix + rest
        if self._system and prefix:
            return self._messages(system=prefix, user=rest)
        return self._messages(user=prefix + rest)

    def _messages(self, **contents: str) -> str:
        messages = [{"role": role, "content": content} for role, content in contents.items()]
        return self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )

    def _knows_system(self) -> bool:
        from jinja2 import TemplateError

        try:
            return "instruction" in self._messages(system="instruction", user="text")
        except TemplateError:
            return False
