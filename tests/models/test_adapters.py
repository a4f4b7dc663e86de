import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.errors import InputError
from shoptalk.models.adapters import add_lora, checkpoint_layers, merge_lora
from shoptalk.models.encoder import Encoder
from shoptalk.models.static import StaticEncoder

TEXTS = tiny_models.texts(6)


@pytest.fixture
def encoder(tmp_path):
    return Encoder.load(str(tiny_models.gemma(tmp_path)))


def test_adapters_begin_as_nothing_and_alone_are_trained(encoder):
    before = encoder.embed(TEXTS, "document", precision="fp32")
    add_lora(encoder, 4, 8, 0.0, seed=0)
    np.testing.assert_allclose(encoder.embed(TEXTS, "document", precision="fp32"), before, atol=1e-6)
    trained = [name for name, weight in encoder.named_parameters() if weight.requires_grad]
    assert trained and all("lora_" in name for name in trained)


def test_merged_adapters_give_the_vectors_of_the_adapted_model(encoder):
    add_lora(encoder, 4, 8, 0.0, seed=0)
    draw = torch.Generator().manual_seed(1)
    for name, weight in encoder.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.1, generator=draw)
    before = encoder.embed(TEXTS, "query", precision="fp32")
    merge_lora(encoder)
    assert not any("lora" in name for name, _ in encoder.named_parameters())
    np.testing.assert_allclose(encoder.embed(TEXTS, "query", precision="fp32"), before, atol=1e-5)


def test_first_values_are_those_of_the_seed(tmp_path):
    folder = str(tiny_models.bert(tmp_path))

    def first(seed):
        encoder = Encoder.load(folder)
        torch.manual_seed(99 + seed)
        add_lora(encoder, 2, 8, 0.0, seed=seed)
        return torch.cat([w.flatten() for n, w in encoder.named_parameters() if "lora_A" in n])

    assert torch.equal(first(0), first(0)) and not torch.equal(first(0), first(1))


def test_what_cannot_have_them_is_told(tmp_path, encoder):
    static = StaticEncoder.distil(Encoder.load(str(tiny_models.bert(tmp_path / "other"))))
    with pytest.raises(InputError, match="a static table has no layers"):
        add_lora(static, 4, 8, 0.0, 0)
    with pytest.raises(InputError, match="cannot compute its layers twice"):
        checkpoint_layers(static)
    with pytest.raises(InputError, match=r"dropout=1.0 in \[0, 1\)"):
        add_lora(encoder, 4, 8, 1.0, 0)


def test_a_prompt_that_leaves_no_room_is_refused(tmp_path):
    folder = str(tiny_models.bert(tmp_path))
    with pytest.raises(InputError, match=r"model\.prompts\.query takes \d+ tokens of model\.max_length=8"):
        Encoder.load(folder, max_length=8, prompts={"query": "find the passage that answers the question: "})
