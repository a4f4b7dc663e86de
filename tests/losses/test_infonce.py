import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from losses.batches import batches

from shoptalk.errors import InputError
from shoptalk.losses import InfoNCE, Targets


def by_hand(drawn, symmetric, margin, relative):
    """One pair and one document, or other query, at a time."""
    losses = []
    for i, p in enumerate(drawn.positive):
        own = drawn.guide[i, p]
        limit = math.inf if margin is None else own - margin * (abs(own) if relative else 1)
        score = drawn.cosine(i, p)
        against = [j for j in range(len(drawn.documents)) if not drawn.mask[i, j] and drawn.guide[i, j] <= limit]
        forward = [drawn.cosine(i, j) for j in {*against, int(p)}]
        others = [k for k in range(len(drawn.queries)) if not drawn.mask[k, p] and drawn.positive[k] != p]
        backward = [score] + [drawn.cosine(k, p) for k in others if drawn.guide[k, p] <= limit]
        each = [
            math.log(sum(math.exp((s - score) / drawn.scale(i)) for s in scores))
            for scores in ([forward, backward] if symmetric else [forward])
        ]
        losses.append(sum(each) / len(each))
    return drawn.mean(losses)


@pytest.mark.parametrize("guided", [(None, False), (0.0, False), (-0.2, False), (0.3, False), (0.3, True)])
@settings(max_examples=60, deadline=None)
@given(drawn=batches, symmetric=st.booleans())
def test_equal_to_a_loop(guided, drawn, symmetric):
    found = InfoNCE(symmetric, *guided)(*drawn.arguments())
    assert found.item() == pytest.approx(by_hand(drawn, symmetric, *guided), abs=1e-5)


@pytest.mark.parametrize("symmetric", [False, True])
def test_what_is_left_out_gets_no_gradient(symmetric):
    queries, documents = torch.randn(3, 8, requires_grad=True), torch.randn(5, 8, requires_grad=True)
    mask = torch.zeros(3, 5, dtype=torch.bool)
    mask[:, 3] = True
    guide = torch.zeros(3, 5)
    guide[:, 4] = 1
    targets = Targets(torch.tensor([0, 1, 2]), mask, torch.ones(3), guide=guide)
    InfoNCE(symmetric, guide_margin=0.0)(queries, documents, targets, torch.tensor(0.1)).backward()
    assert (documents.grad.abs().sum(dim=1) > 0).tolist() == [True, True, True, False, False]


def test_a_query_that_knows_the_document_is_no_negative_of_it():
    """Pair 0 has document 0. Query 1 shares it, query 2 knows it for relevant, the guide finds query 3 too close."""
    mask = torch.zeros(5, 3, dtype=torch.bool)
    mask[2, 0] = True
    guide = torch.zeros(5, 3)
    guide[3, 0] = 0.1
    weight = torch.tensor([1.0, 0, 0, 0, 0])
    targets = Targets(torch.tensor([0, 0, 1, 1, 2]), mask, weight, guide=guide)
    queries, documents = torch.randn(5, 8, requires_grad=True), torch.randn(3, 8)
    InfoNCE(symmetric=True, guide_margin=0.0)(queries, documents, targets, torch.tensor(0.5)).backward()
    assert (queries.grad.abs().sum(dim=1) > 0).tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("symmetric", [False, True])
def test_nothing_to_contrast_is_loss_0(symmetric):
    mask = torch.tensor([[False, True, True], [False, True, True]])
    queries, documents = torch.randn(2, 8, requires_grad=True), torch.randn(3, 8, requires_grad=True)
    targets = Targets(torch.tensor([0, 0]), mask, torch.ones(2))
    loss = InfoNCE(symmetric)(queries, documents, targets, torch.tensor(0.05))
    loss.backward()
    assert loss == 0 and not queries.grad.any() and not documents.grad.any()


@pytest.mark.parametrize(
    "bad, sentence",
    [
        ({"guide_relative": True}, "guide_margin too"),
        ({"guide_margin": math.nan}, "finite"),
        ({"guide_margin": math.inf}, "finite"),
        ({"guide_margin": 1.0, "guide_relative": True}, r"\[0, 1\)"),
        ({"guide_margin": -0.1, "guide_relative": True}, r"\[0, 1\)"),
    ],
)
def test_a_margin_that_cannot_be_kept_is_refused(bad, sentence):
    with pytest.raises(InputError, match=sentence):
        InfoNCE(**bad)
