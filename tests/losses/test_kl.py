import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from losses.batches import batches, draw

from shoptalk.errors import InputError
from shoptalk.losses import KL


def softmax(scores):
    powers = [math.exp(s - max(scores)) for s in scores]
    return [p / sum(powers) for p in powers]


def by_hand(drawn, teacher_temperature):
    losses = []
    for i, row in enumerate(drawn.teacher):
        columns = [j for j, t in enumerate(row) if not math.isnan(t) and not drawn.mask[i, j]]
        if len(columns) < 2:
            losses.append(None)
            continue
        aim = softmax([row[j] / teacher_temperature for j in columns])
        student = softmax([drawn.cosine(i, j) / drawn.scale(i) for j in columns])
        losses.append(sum(t * math.log(t / s) for t, s in zip(aim, student, strict=True)))
    return drawn.mean(losses)


@settings(max_examples=60, deadline=None)
@given(batches, st.sampled_from([0.5, 1.0, 3.0]))
def test_equal_to_a_loop(drawn, teacher_temperature):
    found = KL(teacher_temperature)(*drawn.arguments()).item()
    assert found == pytest.approx(by_hand(drawn, teacher_temperature), rel=1e-5, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(batches)
def test_0_at_the_teacher_and_never_below(drawn):
    queries, documents, targets, temperature = drawn.arguments()
    assert KL()(queries, documents, targets, temperature) >= 0
    cosine = torch.nn.functional.normalize(queries) @ torch.nn.functional.normalize(documents).T
    scales = torch.tensor([drawn.scale(i) for i in range(len(queries))])[:, None]
    own = targets._replace(teacher=(cosine / scales).detach())
    assert KL()(queries, documents, own, temperature).item() == pytest.approx(0, abs=1e-9)


def test_what_is_not_compared_gets_no_gradient():
    queries, documents, targets, temperature = draw(3, temperature=0.5).arguments()
    mask = torch.zeros_like(targets.mask)
    mask[:, 7] = True
    teacher = torch.zeros_like(targets.teacher)
    teacher[:, 8] = math.nan
    positive = torch.tensor([0, 1, 2, 3, 4])
    KL()(queries, documents, targets._replace(positive=positive, mask=mask, teacher=teacher), temperature).backward()
    assert (documents.grad.abs().sum(dim=1) > 0).tolist() == [True] * 7 + [False] * 2


@pytest.mark.parametrize("judged", [0, 1])
def test_fewer_than_two_judged_is_loss_0_and_gradient_0(judged):
    queries, documents, targets, temperature = draw(5).arguments()
    teacher = torch.full_like(targets.teacher, math.nan)
    teacher[:, :judged] = 2.0
    targets = targets._replace(teacher=teacher, mask=torch.zeros_like(targets.mask))
    loss = KL()(queries, documents, targets, temperature)
    loss.backward()
    assert loss == 0 and not queries.grad.any() and not documents.grad.any()


def test_a_teacher_sure_beyond_float32_stays_finite():
    queries, documents, targets, temperature = draw(6).arguments(torch.float32)
    teacher = torch.linspace(-1e4, 1e4, documents.shape[0]).expand_as(targets.teacher)
    loss = KL(0.5)(queries, documents, targets._replace(teacher=teacher), temperature)
    loss.backward()
    assert loss > 0 and all(x.isfinite().all() for x in (loss, queries.grad, documents.grad))


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf])
def test_what_cannot_divide_is_refused(bad):
    with pytest.raises(InputError, match="teacher_temperature"):
        KL(bad)
