import numpy as np
import pytest
import torch

from shoptalk.models.attention import attend


def seen(query, key, value, padding):
    """The definition, in float64, one head of one text at a time."""
    found = np.empty(query.shape)
    for text, head in np.ndindex(query.shape[:2]):
        q, k, v = (part[text, head].double().numpy() for part in (query, key, value))
        if padding is not None:
            hidden = padding[text, 0, 0].numpy()
            k, v = k[~hidden], v[~hidden]
        scores = q @ k.T / np.sqrt(q.shape[1])
        weights = np.exp(scores - scores.max(1, keepdims=True))
        found[text, head] = weights @ v / weights.sum(1, keepdims=True)
    return found


def parts(tokens, texts=3, heads=2, size=8):
    torch.manual_seed(tokens)
    return [torch.randn(texts, heads, tokens, size) for _ in range(3)]


def padding_of(lengths, tokens):
    return (torch.arange(tokens) >= torch.tensor(lengths)[:, None])[:, None, None]


@pytest.mark.parametrize("tokens", [1, 2, 7, 16, 79, 80, 130])  # short and long
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("graded", [False, True])
def test_as_defined(tokens, padded, graded):
    given, padding = parts(tokens), padding_of([1, tokens, tokens // 2 + 1], tokens) if padded else None
    with torch.set_grad_enabled(graded):
        found = attend(*given, padding)
    np.testing.assert_allclose(found.numpy(), seen(*given, padding), atol=2e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_scores_too_high_or_low_for_bare_exponentials(sign):
    query = torch.full((1, 1, 5, 4), 30.0)
    key = sign * (query + torch.arange(5.0)[:, None] / 100)
    value = parts(5, texts=1, heads=1, size=4)[2]
    scores = (query @ key.transpose(-1, -2))[0, 0] / 2
    assert scores.abs().min() > 1000
    with torch.no_grad():
        found = attend(query, key, value, None)
    np.testing.assert_allclose(found.numpy(), seen(query, key, value, None), atol=1e-4)


def test_a_row_far_below_the_others():
    query, key, value = parts(6, texts=1, heads=1)
    query[..., 0, :], key[..., 0] = 0, 1.0
    query[..., 0, 0] = -400.0
    with torch.no_grad():
        found = attend(query, key, value, None)
    assert torch.isfinite(found).all()
    np.testing.assert_allclose(found.numpy(), seen(query, key, value, None), atol=1e-5)


@pytest.mark.parametrize("tokens", [9, 90])
def test_bf16_is_as_exact_as_bf16(tokens):
    given = [part.bfloat16() for part in parts(tokens)]
    with torch.no_grad():
        found = attend(*given, None)
    np.testing.assert_allclose(found.float().numpy(), seen(*given, None), atol=0.02)


def test_what_is_no_number_is_told():
    query, key, value = parts(4)
    query[0, 0, 0, 0] = float("nan")
    with torch.no_grad():
        found = attend(query, key, value, None)
    assert found[0, 0, 0].isnan().all() and found[1:].isfinite().all()
