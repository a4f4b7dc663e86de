import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.models import packed
from shoptalk.models.encoder import Encoder
from shoptalk.models.precision import inference


@pytest.mark.parametrize("narrowest", [0.99, 0.5])  # blocks of one length, and blocks with padding
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_texts_laid_end_to_end_get_the_vectors_of_the_padded_model(tmp_path, monkeypatch, precision, narrowest):
    monkeypatch.setattr(packed, "_NARROWEST", narrowest)
    encoder = Encoder.load(str(tiny_models.bert(tmp_path)))
    texts = tiny_models.texts(120, longest=60)
    ids = encoder.tokenize(texts, "document")
    assert min(ids.lengths) < 16 < 32 < max(ids.lengths)
    with torch.inference_mode():
        padded = torch.nn.functional.normalize(encoder.eval()(*encoder.pad(ids)), dim=-1).numpy()
    found = encoder.embed(texts, "document", precision=precision, chunk_tokens=1200)
    cosines = (padded * found).sum(1)
    if precision == "fp32":
        np.testing.assert_allclose(found, padded, atol=2e-5)
    else:
        assert cosines.min() > 0.99 and cosines.mean() > 0.998 and not np.allclose(found, padded, atol=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_bert_is_packed_in_either_precision(tmp_path, monkeypatch, precision):
    encoder, used = Encoder.load(str(tiny_models.bert(tmp_path))), []
    layer = packed.PackedBert._layer
    monkeypatch.setattr(
        packed.PackedBert, "_layer", lambda self, *given: used.append(self.dtype) or layer(self, *given)
    )
    with inference(encoder.backbone, precision, encoder.device) as backbone:
        encoder.frozen(backbone)(encoder.tokenize(tiny_models.texts(3), "query"))
    assert set(used) == {torch.float32 if precision == "fp32" else torch.bfloat16}
