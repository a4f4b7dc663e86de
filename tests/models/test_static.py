import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.errors import InputError
from shoptalk.models.encoder import Encoder
from shoptalk.models.static import StaticEncoder

TEXTS = [*tiny_models.texts(40), ""]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return Encoder.load(str(tiny_models.bert(tmp_path_factory.mktemp("bert"))))


@pytest.fixture
def static(base):
    return StaticEncoder.distil(base, precision="fp32")


def test_a_token_vector_is_the_base_models_centred_and_weighted(base, static):
    entries = base.tokenizer.convert_ids_to_tokens(range(len(base.tokenizer)))
    whole = [row for row, entry in enumerate(entries) if entry.isalpha()]
    expected = base.embed([entries[row] for row in whole], "document", precision="fp32")
    table = static.embedding.weight.detach().numpy()
    frequency = 1 / np.arange(2, len(entries) + 2)
    weight = 1e-4 / (1e-4 + frequency / frequency.sum())
    shift = expected - table[whole] / weight[whole, None]
    assert len(whole) > 50 and np.abs(shift - shift.mean(0)).max() < 1e-4


def test_embedding_is_the_mean_of_token_vectors(static):
    found = static.embed(TEXTS, "document", chunk_tokens=300)
    table = static.embedding.weight.detach().numpy()
    for text, vector in zip(TEXTS, found, strict=True):
        ids = static.engine.encode(text, add_special_tokens=False).ids
        mean = table[ids].mean(0) if ids else np.zeros(static.dimension)
        np.testing.assert_allclose(vector, mean / max(np.linalg.norm(mean), 1e-12), atol=1e-5)


def test_fewer_dimensions_keep_most_of_the_similarities(base, static):
    small = StaticEncoder.distil(base, dimension=16, precision="fp32")
    assert small.dimension == 16
    full, less = (e.embed(TEXTS[:-1], "query") for e in (static, small))
    pairs = np.triu_indices(len(full), 1)
    assert np.corrcoef((full @ full.T)[pairs], (less @ less.T)[pairs])[0, 1] > 0.8
    with pytest.raises(InputError, match="between 1 and 32"):
        StaticEncoder.distil(base, dimension=33)


def test_it_trains_and_its_digest_follows(static):
    before = static.digest
    static.start(static.tokenize(TEXTS, "query"))(np.arange(len(TEXTS)), 0).sum().backward()
    torch.optim.SGD(static.parameters(), lr=0.1).step()
    assert static.digest != before


def test_tokens_are_cut(base):
    short = StaticEncoder.distil(base, max_length=3)
    assert max(map(len, short.tokenize(TEXTS, "query"))) == 3


def test_a_table_is_distilled_once_and_each_model_trains_its_own(tmp_path, monkeypatch):
    folder = str(tiny_models.bert(tmp_path))
    first = StaticEncoder.load(folder)
    before = first.embedding.weight.detach().clone()
    with torch.no_grad():
        first.embedding.weight.zero_()
    monkeypatch.setattr(Encoder, "embed_ids", None)
    assert torch.equal(StaticEncoder.load(folder, max_length=4).embedding.weight, before)
