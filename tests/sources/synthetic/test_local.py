import json

import pytest
import torch
from tiny_models import texts, tokenizer
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3NextConfig,
    Qwen3NextForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from shoptalk.cache import Cache
from shoptalk.errors import InputError
from shoptalk.sources.pairs import Voice
from shoptalk.sources.synthetic.language import Answer, Prompt
from shoptalk.sources.synthetic.local.model import LocalModel
from shoptalk.sources.synthetic.local.prefix import groups
from shoptalk.sources.synthetic.local.sampling import Sampling

LIMIT = 10
SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
EXAMPLES = " ".join(texts(4, 12, seed=5))
CHAT = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHAT


def gemma(coder, ends):
    """Of two layers the first sees 8 tokens, far fewer than the examples have."""
    kinds = ["sliding_attention", "full_attention"]
    return Gemma3ForCausalLM(
        Gemma3TextConfig(**SIZES, **ends, num_hidden_layers=2, layer_types=kinds, sliding_window=8)
    )


def qwen(coder, ends):
    return Qwen3ForCausalLM(Qwen3Config(**SIZES, **ends, num_hidden_layers=2))


def hybrid(coder, ends):
    """One layer keeps a state in place of keys and values."""
    kinds = ["linear_attention", "full_attention"]
    linear = {
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
    }
    config = Qwen3NextConfig(**SIZES, **ends, **linear, num_hidden_layers=2, layer_types=kinds, num_experts=0)
    return Qwen3NextForCausalLM(config)


def t5(coder, ends):
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
    return T5ForConditionalGeneration(T5Config(**sizes, **ends))


KINDS = {"gemma": gemma, "qwen": qwen, "hybrid": hybrid, "t5": t5}


def saved(folder, kind, template=None, context=256, ending=True):
    """A model with random weights, many of whose tokens end an answer."""
    coder = tokenizer("left", "<bos>" if kind == "gemma" else None, "<eos>")
    coder.chat_template = template
    ends = {
        "eos_token_id": [3, *range(7, 300, 5)] if ending else 299,
        "vocab_size": len(coder),
        "pad_token_id": 0,
        "tie_word_embeddings": False,
    }
    if kind != "t5":
        ends["max_position_embeddings"] = context
    torch.manual_seed(0)
    network = KINDS[kind](coder, ends)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.normal_(0.0, 0.6 if kind == "t5" else 0.25)
    network.save_pretrained(folder)
    coder.save_pretrained(folder)
    return folder


def model(folder, tmp_path, **options):
    chosen = {"temperature": 0, "max_new_tokens": LIMIT, "stop": [], "precision": "fp32"} | options
    return LocalModel(str(folder), Cache(tmp_path / "cache"), **chosen)


def prompts(count=24, prefix=EXAMPLES):
    return [Prompt(prefix, " " + text, seed) for seed, text in enumerate(texts(count, 25, seed=3))]


def answered(writer, asked, voice=None):
    found = list(writer.answers(asked, voice or Voice()))
    assert sorted(place for place, _ in found) == list(range(len(asked)))
    return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


def alone(folder, asked, render=lambda prompt: prompt.prefix + prompt.rest):
    """What transformers itself writes for each prompt alone, and whether it ended."""
    config = json.loads((folder / "config.json").read_text())
    encoder = "is_encoder_decoder" in config and config["is_encoder_decoder"]
    network = (AutoModelForSeq2SeqLM if encoder else AutoModelForCausalLM).from_pretrained(folder)
    coder, found = AutoTokenizer.from_pretrained(folder), []
    for prompt in asked:
        ids = coder(render(prompt))["input_ids"]
        ids = torch.tensor([ids if encoder else ids[:-1]])  # the tests' tokenizer puts the end behind a text
        out = network.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=LIMIT)[0]
        new = out[1:] if encoder else out[ids.shape[1] :]
        ended = int(new[-1]) in network.generation_config.eos_token_id
        found.append((coder.decode(new[:-1] if ended else new, skip_special_tokens=True).strip(), ended))
    return found


@pytest.fixture(scope="module", params=KINDS)
def pair(request, tmp_path_factory):
    """A model's folder, prompts for it, and what transformers writes for them."""
    folder, asked = saved(tmp_path_factory.mktemp(request.param), request.param), prompts()
    there = alone(folder, asked)
    assert len({text for text, ended in there if ended and text}) > 2
    assert any(not ended for _, ended in there)
    return folder, asked, there


def same(answers, there):
    """Ended answers to the letter, and a fault in place of the others."""
    return [(answer.text, bool(answer.fault)) for answer in answers] == [
        (text, False) if ended and text else (None, True) for text, ended in there
    ]


@pytest.mark.parametrize("sharing", [True, False])
@pytest.mark.parametrize("batch_tokens", [1, 400, 100_000])
def test_greedy_answers_are_those_of_transformers_for_each_prompt_alone(tmp_path, pair, sharing, batch_tokens):
    folder, asked, there = pair
    writer = model(folder, tmp_path, batch_tokens=batch_tokens)
    writer.sharing = sharing
    assert same(answered(writer, asked), there)
