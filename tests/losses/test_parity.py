"""Every loss gives the value of its namesake in sentence-transformers, on the same vectors."""

import math

import pytest
import torch
from losses.batches import Given, every_pair

from shoptalk.losses import KL, InfoNCE, MarginMSE, Matryoshka, SpreadOut


@pytest.mark.parametrize("symmetric", [False, True])
def test_infonce(symmetric):
    from sentence_transformers.sentence_transformer import losses as theirs

    torch.manual_seed(0)
    vectors = torch.randn(3, 8, 16)
    name = "MultipleNegativesSymmetricRankingLoss" if symmetric else "MultipleNegativesRankingLoss"
    known = getattr(theirs, name)(model=None, scale=20.0).compute_loss_from_embeddings(list(vectors), labels=None)
    found = InfoNCE(symmetric)(vectors[0], torch.cat([*vectors[1:]]), every_pair(8, negatives=1), torch.tensor(0.05))
    assert torch.allclose(found, known, atol=1e-6)


@pytest.mark.parametrize(
    "strategy, margin", [("absolute", 0.0), ("absolute", 0.1), ("relative", 0.0), ("relative", 0.4)]
)
def test_infonce_with_a_guide(strategy, margin):
    from sentence_transformers.sentence_transformer.losses import GISTEmbedLoss
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.__new__(PreTrainedTokenizerFast)
    tokenizer.get_vocab = dict  # that of model and guide are the same, so their texts need no second reading
    gist = GISTEmbedLoss(
        Given("ours", tokenizer),
        Given("guide", tokenizer),
        temperature=0.05,
        margin_strategy=strategy,
        margin=margin,
        contrast_anchors=False,
        contrast_positives=False,
    )
    torch.manual_seed(1)
    ours, guide = torch.randn(3, 8, 16), torch.nn.functional.normalize(torch.randn(3, 8, 4), dim=-1)
    known = gist([{"ours": o, "guide": g} for o, g in zip(ours, guide, strict=True)], labels=None)

    targets = every_pair(8, negatives=1)._replace(guide=guide[0] @ torch.cat([guide[1], guide[2]]).T)
    arguments = ours[0], torch.cat([ours[1], ours[2]]), targets, torch.tensor(0.05)
    assert targets.guide.diagonal().min() < 0 < targets.guide.diagonal().max()
    assert torch.allclose(InfoNCE(False, margin, strategy == "relative")(*arguments), known, atol=1e-6)
    assert not torch.allclose(InfoNCE()(*arguments), known, atol=0.1)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_margin_mse(similarity):
    from sentence_transformers.sentence_transformer.losses import MarginMSELoss
    from sentence_transformers.util import pairwise_cos_sim, pairwise_dot_score

    theirs = {"cosine": lambda a, b: pairwise_cos_sim(a, b) / 0.05, "dot": pairwise_dot_score}[similarity]
    torch.manual_seed(0)
    vectors, scores = torch.randn(4, 8, 16), 3 * torch.randn(8, 3)
    known = MarginMSELoss(model=None, similarity_fct=theirs).compute_loss_from_embeddings(list(vectors), scores)

    targets = every_pair(8, negatives=2)._replace(teacher=of_its_own(scores))
    found = MarginMSE(similarity)(vectors[0], vectors[1:].flatten(0, 1), targets, torch.tensor(0.05))
    assert torch.allclose(found, known, rtol=1e-5)


def test_kl():
    from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss
    from sentence_transformers.util import pairwise_cos_sim

    torch.manual_seed(0)
    vectors, scores = torch.randn(4, 8, 16), 3 * torch.randn(8, 3)
    theirs = DistillKLDivLoss(None, pairwise_cos_sim, student_temperature=0.2, teacher_temperature=2.0)
    known = theirs.compute_loss_from_embeddings(list(vectors), scores) / 0.2**2  # the factor ours leaves out

    targets = every_pair(8, negatives=2)._replace(teacher=of_its_own(scores))
    found = KL(2.0)(vectors[0], vectors[1:].flatten(0, 1), targets, torch.tensor(0.2))
    assert torch.allclose(found, known, rtol=1e-5)


def test_matryoshka():
    from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss

    torch.manual_seed(0)
    vectors, model = torch.randn(3, 8, 16), Given(size=16)
    ranking = MultipleNegativesRankingLoss(model, scale=20.0)
    theirs = MatryoshkaLoss(model, ranking, [16, 8, 3], matryoshka_weights=[1, 0.5, 2])
    known = theirs([{"vectors": v} for v in vectors], labels=None)
    ours = Matryoshka(InfoNCE(), [3, 16, 8], [2, 1, 0.5])
    found = ours(vectors[0], torch.cat([*vectors[1:]]), every_pair(8, negatives=1), torch.tensor(0.05))
    assert torch.allclose(found, known, rtol=1e-5)


def test_spread_out_above_the_floor_of_its_namesake():
    from sentence_transformers.sentence_transformer.losses import GlobalOrthogonalRegularizationLoss

    torch.manual_seed(0)
    vectors = torch.randn(2, 8, 16) + 1
    theirs = GlobalOrthogonalRegularizationLoss(None, mean_weight=None, aggregation="sum")
    (known,) = theirs.compute_loss_from_embeddings(list(vectors)).values()
    arguments = *vectors, every_pair(8), torch.tensor(0.05)
    added = SpreadOut(InfoNCE(), 1.0)(*arguments) - InfoNCE()(*arguments)
    assert known > 0 and torch.allclose(added, known + 2 / 16, atol=1e-5)


def of_its_own(scores):
    """[n, k · n]: a teacher that judged, of each query, its own positive and negatives alone."""
    n, k = scores.shape
    teacher = torch.full((n, k * n), math.nan)
    for column in range(k):
        teacher[torch.arange(n), n * column + torch.arange(n)] = scores[:, column]
    return teacher
