"""Every model option builds its object from a tiny model of the same architecture."""

import pytest
import tiny_models
from composing import composed, options
from hydra.utils import instantiate

SHAPES = {
    "minilm": tiny_models.bert,
    "e5_small": tiny_models.bert,
    "e5_base": tiny_models.bert,
    "bge_small": lambda folder: tiny_models.bert(folder, "cls"),
    "embeddinggemma": tiny_models.gemma,
    "qwen3_0_6b": tiny_models.qwen,
    "qwen3_8b": tiny_models.qwen,
    "nv_embed_v2": tiny_models.remote_code,
    "static": tiny_models.bert,
}


@pytest.mark.parametrize("option", options("model"))
def test_a_model_option_builds_its_object(tmp_path, option):
    folder = SHAPES[option](tmp_path / "model")
    trust = ["model.trust_remote_code=true"] if option == "nv_embed_v2" else []
    # Tiny models cut words into many tokens, and have 64 places for them.
    short = ["model.max_length=64", *(["model.prompts.query='ka:'"] if option == "nv_embed_v2" else [])]
    cfg = composed(tmp_path, f"model={option}", f"model.name={folder}", *trust, *short)
    model = instantiate(cfg.model)
    vectors = model.embed(["kalo miru", "vin"], "query")
    assert vectors.shape == (2, model.dimension)
    assert model.max_length == 64


def test_remote_code_is_off_unless_asked(tmp_path):
    from hydra.errors import InstantiationException

    folder = tiny_models.remote_code(tmp_path / "model")
    cfg = composed(tmp_path, "model=nv_embed_v2", f"model.name={folder}", "model.max_length=48")
    with pytest.raises(InstantiationException, match="trust_remote_code=true"):
        instantiate(cfg.model)


def test_prompts_of_a_config_reach_the_tokens(tmp_path):
    cfg = composed(tmp_path, "model=e5_small", f"model.name={tiny_models.bert(tmp_path / 'model')}")
    model = instantiate(cfg.model)
    for kind, text in (("query", "query: kalo"), ("document", "passage: kalo")):
        assert model.tokenize(["kalo"], kind)[0].tolist() == model.tokenizer(text)["input_ids"]
