import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.models.encoder import Encoder
from shoptalk.models.static import StaticEncoder


def gradients(encoder) -> dict[str, torch.Tensor]:
    return {name: weight.grad for name, weight in encoder.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("make", [tiny_models.bert, tiny_models.gemma, tiny_models.qwen, tiny_models.xlm_roberta])
def test_one_look_up_for_a_step_gives_the_vectors_and_gradients_of_one_per_chunk(tmp_path, make):
    folder = str(make(tmp_path))
    texts, parts = tiny_models.texts(9), (np.arange(4), np.arange(4, 9))
    apart, together = Encoder.load(folder).train(), Encoder.load(folder).train()
    ids = apart.tokenize(texts, "query")
    expected = torch.cat([apart(*apart.pad(ids.take(rows))) for rows in parts])
    run = together.start(ids)
    found = torch.cat([run(rows, 0) for rows in parts])
    (expected**3).sum().backward(), (found**3).sum().backward()
    assert torch.allclose(expected, found, atol=1e-6) and gradients(apart).keys() == gradients(together).keys()
    for name, gradient in gradients(apart).items():
        assert torch.allclose(gradient, gradients(together)[name], atol=1e-5), name


def test_a_static_encoder_starts_as_it_embeds(tmp_path):
    static = StaticEncoder.load(str(tiny_models.bert(tmp_path)))
    texts = tiny_models.texts(5)
    ids = static.tokenize(texts, "query")
    rows = np.array([3, 0, 4])
    found = torch.nn.functional.normalize(static.start(ids)(rows, 0), dim=-1)
    assert np.allclose(found.detach(), static.embed(texts, "query")[rows], atol=1e-6)
