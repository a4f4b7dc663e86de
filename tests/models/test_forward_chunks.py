import pytest
import tiny_models
import torch

from shoptalk.models.encoder import Encoder


@pytest.mark.parametrize("make", [tiny_models.bert, tiny_models.gemma, tiny_models.qwen, tiny_models.xlm_roberta])
def test_one_look_up_for_all_chunks_gives_the_vectors_and_gradients_of_one_each(tmp_path, make):
    folder = make(tmp_path)
    results = []
    for together in (False, True):
        encoder = Encoder.load(str(folder)).train()
        texts = tiny_models.texts(9)
        chunks = [(*encoder.pad(encoder.tokenize(part, "query")), 0) for part in (texts[:4], texts[4:])]
        vectors = encoder.forward_chunks(chunks) if together else [encoder(*chunk) for chunk in chunks]
        (torch.cat(vectors) ** 3).sum().backward()
        results.append(
            (torch.cat(vectors).detach(), {n: p.grad for n, p in encoder.named_parameters() if p.grad is not None})
        )
    (apart, gradients), (found, found_gradients) = results
    assert torch.allclose(apart, found, atol=1e-6) and gradients.keys() == found_gradients.keys()
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, found_gradients[name], atol=1e-5), name
