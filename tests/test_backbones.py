"""Every kind of backbone through the whole of ``train()``, all weights or adapters alone, and out again."""

import numpy as np
import pytest
import tiny_domain
import tiny_models
from composing import composed
from sentence_transformers import SentenceTransformer

from shoptalk.experiment import train
from shoptalk.models.encoder import Encoder

FIXED = (
    "data=labels", "domain=beir", "negatives=random", "trainer=cpu", "trainer.precision=32-true", "logger=csv",
    "trainer.batch_size=16", "trainer.learning_rate=5e-3", "trainer.pairs=64", "mixing.max_repeats=40", "threads=1",
    "trainer.looks=1",
)  # fmt: skip
WAYS = {
    "all weights": [],
    "adapters": ["trainer.lora.rank=4", "trainer.lora.dropout=0.1"],
    "twice": ["trainer.gradient_checkpointing=true", "trainer.gradient_cache=true", "trainer.chunk_tokens=300"],
}


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    return tiny_domain.write(tmp_path_factory.mktemp("domain"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [tiny_models.bert, tiny_models.xlm_roberta, tiny_models.gemma, tiny_models.qwen])
def test_it_trains_and_the_exported_folder_gives_the_same_vectors_elsewhere(tmp_path, domain, make, way):
    name = make(tmp_path / "model")
    changed = [f"domain.path={domain}", f"model.name={name}", f"cache.root={tmp_path}/cache"]
    outcome = train(composed(tmp_path / "run", *FIXED, *changed, *WAYS[way]))
    assert outcome.metrics["encoding"]["gradient_cache"] == (way == "twice")
    texts = tiny_models.texts(7)
    ours, before = (Encoder.load(str(folder)) for folder in (outcome.folder / "model", name))
    theirs = SentenceTransformer(str(outcome.folder / "model"), device="cpu")
    for kind, encode in (("query", theirs.encode_query), ("document", theirs.encode_document)):
        found = ours.embed(texts, kind, precision="fp32")
        expected = encode(texts, normalize_embeddings=True)
        np.testing.assert_allclose(found, expected, atol=2e-5)
        assert np.abs(found - before.embed(texts, kind, precision="fp32")).max() > 1e-3, "nothing was learned"
