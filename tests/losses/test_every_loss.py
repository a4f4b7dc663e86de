"""What holds of every loss."""

import numpy as np
import pytest
import torch
from losses.batches import draw

from shoptalk.errors import InputError
from shoptalk.losses import KL, InfoNCE, Loss, MarginMSE, Matryoshka, SpreadOut, weighted_mean

LOSSES = {
    "infonce": InfoNCE(),
    "symmetric": InfoNCE(symmetric=True),
    "guided": InfoNCE(symmetric=True, guide_margin=0.1),
    "guided by shares": InfoNCE(symmetric=True, guide_margin=0.1, guide_relative=True),
    "margin_mse": MarginMSE(),
    "margin_mse of dots": MarginMSE("dot"),
    "kl": KL(2.0),
    "matryoshka": Matryoshka(InfoNCE(symmetric=True), [6, 3]),
    "spread_out": SpreadOut(Matryoshka(KL(), [6, 2]), 0.3),
}
every = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


@every
def test_gradients_are_those_of_finite_differences(loss):
    queries, documents, targets, _ = draw(7).arguments()
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    value = loss(queries, documents, targets, temperature)
    assert value.shape == () and value > 0
    assert torch.autograd.gradcheck(lambda q, d, t: loss(q, d, targets, t), (queries, documents, temperature))


@every
def test_float32_and_bf16_vectors_are_taken_in_float32(loss):
    exact = loss(*draw(8).arguments())
    single = loss(*draw(8).arguments(torch.float32))
    assert single.dtype == torch.float32 and single.item() == pytest.approx(exact.item(), rel=1e-4)
    half = draw(8).arguments(torch.bfloat16)
    found = loss(*half)
    assert torch.equal(found, loss(half[0].float(), half[1].float(), *half[2:]))
    found.backward()
    assert all(vectors.grad.isfinite().all() and vectors.grad.any() for vectors in half[:2])


@every
def test_autocast_changes_nothing(loss):
    arguments = draw(9).arguments(torch.float32)
    plain = loss(*arguments)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss(*arguments), plain)


@every
def test_the_order_of_pairs_and_columns_and_the_scale_of_weights_say_nothing(loss):
    drawn, random = draw(10), np.random.default_rng(0)
    rows, columns = random.permutation(len(drawn.queries)), random.permutation(len(drawn.documents))
    queries, documents, targets, temperature = drawn.arguments()
    shuffled = targets._replace(
        positive=torch.tensor(np.argsort(columns))[targets.positive[rows]],
        weight=7 * targets.weight[rows],
        own_temperature=targets.own_temperature[rows],
        **{name: getattr(targets, name)[rows][:, columns] for name in ("mask", "teacher", "guide")},
    )
    found = loss(queries[rows], documents[columns], shuffled, temperature)
    assert found.item() == pytest.approx(loss(queries, documents, targets, temperature).item(), rel=1e-6)


@every
def test_nothing_of_what_is_needed_may_lack_and_nothing_else_is_read(loss):
    queries, documents, targets, temperature = draw(11).arguments()
    unread = {name: None for name in ("teacher", "guide") if name not in loss.needs}
    assert loss(queries, documents, targets._replace(**unread), temperature).isfinite()
    for name in loss.needs:
        with pytest.raises(InputError, match=name):
            loss(queries, documents, targets._replace(**{name: None}), temperature)


@every
def test_own_temperatures_that_are_the_runs_change_no_digit(loss):
    queries, documents, targets, temperature = draw(13).arguments(torch.float32)
    found = []
    for own in (None, torch.full_like(targets.weight, torch.nan), temperature.expand(len(queries))):
        value = loss(queries, documents, targets._replace(own_temperature=own), temperature)
        found.append(torch.cat([value[None], *map(torch.flatten, torch.autograd.grad(value, [queries, documents]))]))
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][0], found[2][0])
    assert torch.equal(found[1], found[2]) and torch.allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


@every
def test_a_loss_says_whether_it_divides_by_the_temperature(loss):
    queries, documents, targets, temperature = draw(14).arguments()
    plain, hot = (
        loss(queries, documents, targets._replace(own_temperature=own), temperature)
        for own in (None, torch.ones_like(targets.weight))
    )
    assert loss.tempered != torch.equal(plain, hot)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "margin_mse of dots"])
def test_the_length_of_vectors_says_nothing(name):
    queries, documents, *rest = draw(12).arguments()
    longer = LOSSES[name](3 * queries, documents * torch.linspace(1, 9, len(documents))[:, None], *rest)
    assert longer.item() == pytest.approx(LOSSES[name](queries, documents, *rest).item(), rel=1e-6)


def test_needs_name_fields_of_the_targets():
    assert [sorted(loss.needs) for loss in LOSSES.values()] == [
        *[[], [], ["guide"], ["guide"]],
        *[["teacher"], ["teacher"], ["teacher"], [], ["teacher"]],
    ]
    assert all(isinstance(loss, Loss) for loss in LOSSES.values())


def test_weighted_mean_ignores_scale():
    values, weight = torch.tensor([1.0, 3.0]), torch.tensor([1.0, 3.0])
    assert weighted_mean(values, weight) == weighted_mean(values, 7 * weight) == 2.5
    assert weighted_mean(values, 0 * weight) == 0
