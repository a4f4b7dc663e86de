import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.losses import InfoNCE, weighted_mean


def by_hand(queries, documents, positive, mask, weight, temperature):
    """One pair and one document at a time."""
    losses = []
    for i, q in enumerate(queries):
        score = {
            j: float(q @ d / (np.linalg.norm(q) * np.linalg.norm(d))) / temperature
            for j, d in enumerate(documents)
            if not mask[i, j]
        }
        losses.append(math.log(sum(math.exp(s - score[positive[i]]) for s in score.values())))
    return float(np.dot(losses, weight) / weight.sum())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.05, 0.5]))
def test_equal_to_a_loop_with_weights_and_masks(seed, temperature):
    random = np.random.default_rng(seed)
    n, m, d = 5, 9, 6
    queries, documents = random.normal(size=(n, d)), random.normal(size=(m, d))
    positive = random.integers(0, m, n)
    mask = random.random((n, m)) < 0.3
    mask[np.arange(n), positive] = False
    weight = random.uniform(0.1, 3, n)
    tensors = [torch.tensor(x) for x in (queries, documents, positive, mask, weight)]
    found = InfoNCE()(*tensors, torch.tensor(temperature))
    assert abs(found.item() - by_hand(queries, documents, positive, mask, weight, temperature)) < 1e-4


def test_equal_to_sentence_transformers_in_batch_loss():
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    torch.manual_seed(0)
    queries, documents, hard = torch.randn(3, 8, 16)
    theirs = MultipleNegativesRankingLoss(model=None, scale=20.0).compute_loss_from_embeddings(
        [queries, documents, hard], labels=None
    )
    columns = torch.cat([documents, hard])
    ours = InfoNCE()(
        queries, columns, torch.arange(8), torch.zeros(8, 16, dtype=torch.bool), torch.ones(8), torch.tensor(0.05)
    )
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_masked_columns_get_no_gradient():
    documents = torch.randn(4, 8, requires_grad=True)
    mask = torch.tensor([[False, True, False, False]])
    args = (torch.tensor([0]), mask, torch.ones(1), torch.tensor(0.1))
    InfoNCE()(torch.randn(1, 8), documents, *args).backward()
    assert documents.grad[1].abs().sum() == 0 and documents.grad[2].abs().sum() > 0


def test_weighted_mean_ignores_scale():
    values, weight = torch.tensor([1.0, 3.0]), torch.tensor([1.0, 3.0])
    assert weighted_mean(values, weight) == weighted_mean(values, 7 * weight) == 2.5
