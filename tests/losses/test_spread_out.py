import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from losses.batches import batches, draw, every_pair

from shoptalk.errors import InputError
from shoptalk.losses import InfoNCE, MarginMSE, SpreadOut


def second_moment(vectors, related=lambda i, j: False):
    unit = [v / np.linalg.norm(v) for v in vectors]
    squares = [float(unit[i] @ unit[j]) ** 2 for i, j in permutations(range(len(unit)), 2) if not related(i, j)]
    return sum(squares) / len(squares) if squares else 0.0


@settings(max_examples=60, deadline=None)
@given(batches, st.floats(0.01, 10))
def test_equal_to_a_loop(drawn, strength):
    added = SpreadOut(InfoNCE(), strength)(*drawn.arguments()) - InfoNCE()(*drawn.arguments())
    queries = second_moment(drawn.queries, lambda i, j: drawn.positive[i] == drawn.positive[j])
    assert added.item() == pytest.approx(strength * (queries + second_moment(drawn.documents)), abs=1e-6)


def test_one_vector_of_each_adds_nothing():
    arguments = draw(0, n=1, m=1).arguments()
    loss = SpreadOut(InfoNCE(), 1.0)(*arguments)
    loss.backward()
    assert loss == 0 and not arguments[0].grad.any() and not arguments[1].grad.any()


def test_its_gradient_spreads():
    vectors = (torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(0)) + 1).requires_grad_()
    targets = every_pair(8)._replace(mask=~torch.eye(8, dtype=torch.bool))  # InfoNCE has nothing to say
    loss = SpreadOut(InfoNCE(), 1.0)
    before = loss(*vectors, targets, torch.tensor(0.05))
    before.backward()
    assert loss(*(vectors - vectors.grad), targets, torch.tensor(0.05)) < before


def test_what_the_base_needs_is_needed():
    assert SpreadOut(MarginMSE(), 0.1).needs == {"teacher"}


@pytest.mark.parametrize("bad", [0, -0.1, math.nan, math.inf])
def test_a_strength_that_does_not_spread_is_refused(bad):
    with pytest.raises(InputError, match=r"loss\.spread_out"):
        SpreadOut(InfoNCE(), bad)
