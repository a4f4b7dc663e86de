"""A GGUF file becomes a folder of transformers' own layout, once; needs the package gguf."""

import pytest
import torch
from transformers import AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig

from shoptalk.cache import Cache
from shoptalk.errors import InputError
from shoptalk.sources.pairs import Voice
from shoptalk.sources.synthetic.language import Prompt
from shoptalk.sources.synthetic.local import reading
from shoptalk.sources.synthetic.local.model import LocalModel

gguf = pytest.importorskip("gguf")

TOKENS = ["<pad>", "<eos>", "<bos>", "<unk>", "▁", *"abcdefgh", "ab", "▁ab"]
SIZES = {"vocab_size": len(TOKENS), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 16}


def network():
    """Weights that bf16 holds."""
    config = Gemma3TextConfig(**SIZES, num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64)
    torch.manual_seed(0)
    made = Gemma3ForCausalLM(config)
    with torch.no_grad():
        for weight in made.parameters():
            weight.copy_(weight.normal_(0.0, 0.3).bfloat16())
    return made


def write(made, path):
    """As llama.cpp's converter writes a Gemma 3: norms hold 1 more, the output shares the embeddings."""
    config, writer = made.config, gguf.GGUFWriter(path, "gemma3")
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_sliding_window(config.sliding_window)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([-float(place) for place in range(len(TOKENS))])
    writer.add_token_types([3, 3, 3, 2, *[1] * (len(TOKENS) - 4)])
    for name, place in (("pad", 0), ("eos", 1), ("bos", 2), ("unk", 3)):
        getattr(writer, f"add_{name}_token_id")(place)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, config.num_hidden_layers)
    for name, weight in made.state_dict().items():
        if name != "lm_head.weight":
            told = names.get_name(name, try_suffixes=(".weight",))
            writer.add_tensor(told, (weight + 1 if "norm" in name else weight).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_is_converted_once_and_keeps_its_weights(tmp_path, monkeypatch):
    made, file, cache = network(), tmp_path / "tiny.gguf", Cache(tmp_path / "cache")
    write(made, file)
    options = {"temperature": 0, "max_new_tokens": 5, "stop": [], "precision": "fp32"}
    writer = LocalModel(str(file), cache, **options)
    folder = writer._files.folder
    found = Gemma3ForCausalLM.from_pretrained(folder).state_dict()
    assert all(torch.equal(found[name].float(), weight) for name, weight in made.state_dict().items())
    ids = writer._coder([Prompt("ab", " abc", 0)])[0].tolist()
    assert AutoTokenizer.from_pretrained(folder).convert_ids_to_tokens(ids) == ["<bos>", "ab", "▁ab", "c"]
    assert len(list(writer.answers([Prompt("ab", " abc", 0)], Voice()))) == 1

    monkeypatch.setattr(reading, "_convert", None)  # there is no second time
    moved = file.rename(tmp_path / "other.gguf")
    assert LocalModel(str(moved), cache, **options).identity == writer.identity


def test_what_is_no_gguf_file_is_refused(tmp_path):
    (tmp_path / "text.gguf").write_text("no weights")
    with pytest.raises(InputError, match=r"text\.gguf: transformers cannot read this GGUF file .*generator=rules"):
        _ = LocalModel(str(tmp_path / "text.gguf"), Cache(tmp_path / "cache")).identity
