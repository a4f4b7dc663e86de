"""An encoder held for serving gives the vectors of ``embed``."""

import numpy as np
import pytest
import tiny_models

from shoptalk.models.encoder import Encoder
from shoptalk.models.held import Held, held
from shoptalk.models.precision import preferred_precision
from shoptalk.models.static import StaticEncoder

TEXTS = [*tiny_models.texts(12), "", "one"]


@pytest.fixture(scope="module", params=["bert", "gemma", "qwen"])
def encoder(request, tmp_path_factory):
    return Encoder.load(str(getattr(tiny_models, request.param)(tmp_path_factory.mktemp(request.param))), dropout=0.2)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "auto"])
@pytest.mark.parametrize("kind", ["query", "document"])
def test_vectors_are_those_of_embed(encoder, precision, kind):
    one = Held(encoder.train(), precision)
    expected = encoder.embed(TEXTS, kind, precision=precision)
    assert (one.embed(TEXTS, kind) == expected).all() and one.dimension == encoder.dimension
    single = np.concatenate([one.embed([text], kind) for text in TEXTS])
    np.testing.assert_allclose(single, expected, atol=2e-5 if one.precision == "fp32" else 2e-2)
    assert one.precision == (preferred_precision("cpu") if precision == "auto" else precision)


def test_nothing_is_laid_out_anew(encoder, monkeypatch):
    one = Held(encoder, "fp32")
    monkeypatch.setattr(type(encoder), "frozen", None)
    assert one.embed(["ka"], "query").shape == (1, encoder.dimension)


def test_the_digest_follows_weights_and_precision(encoder):
    assert len({Held(encoder, "fp32").digest, Held(encoder, "bf16").digest, encoder.digest}) == 3
    assert Held(encoder, "fp32").digest == Held(encoder, "fp32").digest


def test_it_is_saved_as_the_encoder_it_is(encoder, tmp_path):
    Held(encoder, "bf16").save(tmp_path)
    assert Encoder.load(str(tmp_path)).digest == encoder.digest


def test_a_table_of_vectors_needs_no_holding(encoder):
    static = StaticEncoder.distil(encoder)
    assert held(static) is static and isinstance(held(encoder), Held)
