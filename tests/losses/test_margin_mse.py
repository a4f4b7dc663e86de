import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from losses.batches import batches, draw

from shoptalk.errors import InputError
from shoptalk.losses import MarginMSE


def by_hand(drawn, similarity):
    def score(i, j):
        if similarity == "cosine":
            return drawn.cosine(i, j) / drawn.scale(i)
        return float(drawn.queries[i] @ drawn.documents[j])

    losses = []
    for i, p in enumerate(drawn.positive):
        squares = []
        for j, t in enumerate(drawn.teacher[i]):
            if j != p and not drawn.mask[i, j] and not math.isnan(t) and not math.isnan(drawn.teacher[i, p]):
                squares.append(((score(i, p) - score(i, j)) - (drawn.teacher[i, p] - t)) ** 2)
        losses.append(sum(squares) / len(squares) if squares else None)
    return drawn.mean(losses)


@settings(max_examples=60, deadline=None)
@given(batches, st.sampled_from(["cosine", "dot"]))
def test_equal_to_a_loop(drawn, similarity):
    found = MarginMSE(similarity)(*drawn.arguments()).item()
    assert found == pytest.approx(by_hand(drawn, similarity), rel=1e-5, abs=1e-9)


def test_what_is_not_compared_gets_no_gradient():
    queries, documents, targets, temperature = draw(3).arguments()
    mask = torch.zeros_like(targets.mask)
    mask[:, 7] = True
    teacher = torch.zeros_like(targets.teacher)
    teacher[:, 8] = math.nan
    positive = torch.tensor([0, 1, 2, 3, 4])
    MarginMSE()(
        queries, documents, targets._replace(positive=positive, mask=mask, teacher=teacher), temperature
    ).backward()
    assert (documents.grad.abs().sum(dim=1) > 0).tolist() == [True] * 7 + [False] * 2


@pytest.mark.parametrize("unjudged", ["everything", "the positives", "the negatives"])
def test_nothing_judged_is_loss_0_and_gradient_0(unjudged):
    drawn = draw(4)
    rows = np.arange(len(drawn.positive))
    judged = np.ones_like(drawn.mask)
    judged[rows, drawn.positive] = unjudged == "the negatives"
    if unjudged != "the positives":
        judged[drawn.positive[:, None] != np.arange(judged.shape[1])] = False
    queries, documents, targets, temperature = drawn.arguments()
    teacher = torch.where(torch.tensor(judged), 1.0, math.nan)
    loss = MarginMSE()(queries, documents, targets._replace(teacher=teacher), temperature)
    loss.backward()
    assert loss == 0 and not queries.grad.any() and not documents.grad.any()


def test_an_unknown_similarity_is_refused():
    with pytest.raises(InputError, match="cosine or dot"):
        MarginMSE("euclidean")
