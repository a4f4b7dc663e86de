import pytest
import tiny_models
import torch

from shoptalk.models.encoder import Encoder
from shoptalk.models.fused import FusedGelu, OneDnnLinear, can_fuse, fuse
from shoptalk.models.precision import dtype_of, inference, preferred_precision


@pytest.fixture
def encoder(tmp_path):
    return Encoder.load(str(tiny_models.bert(tmp_path)))


def fused_layers(network):
    return sum(isinstance(module, FusedGelu) for module in network.modules())


def test_a_fused_network_gives_what_its_parts_give(encoder):
    batch = encoder.pad(encoder.tokenize(tiny_models.texts(6), "document"))
    plain = encoder.backbone.to(torch.bfloat16)
    with torch.inference_mode():
        expected = plain(*batch).last_hidden_state.float()
        found = fuse(plain)(*batch).last_hidden_state.float()
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0.05)


@pytest.mark.skipif(not can_fuse(), reason="this processor's oneDNN has no bf16 layers")
def test_what_follows_a_layer_is_what_torch_computes():
    vectors, residual, weight, bias = (torch.randn(*size).bfloat16() for size in ((9, 32), (9, 64), (64, 32), (64,)))
    plain = torch.nn.functional.linear(vectors.float(), weight.float(), bias.float())
    with torch.inference_mode():
        layer = OneDnnLinear(weight, bias)
        found = layer(vectors), layer.gelu(vectors), layer.plus(vectors, residual)
    expected = plain, torch.nn.functional.gelu(plain), plain + residual.float()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.float(), other, atol=0.05, rtol=0.02)


def test_only_the_bf16_copy_is_fused(encoder):
    with inference(encoder.backbone, "bf16", encoder.device) as copy:
        assert fused_layers(copy) == (2 if can_fuse() else 0) and not copy.training
    with inference(encoder.backbone, "fp32", encoder.device) as same:
        assert same is encoder.backbone
    assert fused_layers(encoder.backbone) == 0 and fused_layers(fuse(encoder.backbone)) == 0


def test_an_approximate_gelu_is_left_alone(encoder):
    half = encoder.backbone.to(torch.bfloat16)
    half.encoder.layer[0].intermediate.intermediate_act_fn = torch.nn.GELU(approximate="tanh")
    assert fused_layers(fuse(half)) == (1 if can_fuse() else 0)


def test_precision_follows_the_hardware():
    capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    assert preferred_precision("cpu") == ("bf16" if capable else "fp32")
    assert dtype_of("fp32", "cpu") == torch.float32 and preferred_precision("meta") == "fp32"
