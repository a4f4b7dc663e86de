import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.models.cross_encoder import CrossEncoder
from shoptalk.models.encoder import Encoder
from shoptalk.negatives.crossfit import Examples
from shoptalk.negatives.teacher_losses import Bce, Listwise
from shoptalk.negatives.teacher_training import Recipe, backward, train

LOSSES = [Bce(), Listwise()]
both = pytest.mark.parametrize("loss", LOSSES, ids=[type(one).__name__ for one in LOSSES])
TEXTS = tiny_models.texts(24, longest=9)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return Encoder.load(str(tiny_models.bert(tmp_path_factory.mktemp("bert"))))


def data(pairs=8, seed=0):
    """A pair's query is its document's own text; 1 to 4 negatives with it; weights far apart."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 6, pairs)
    number = np.repeat(np.arange(pairs), sizes)
    first = np.concatenate([[True], np.diff(number) > 0])
    rows = np.where(first, number, (number + rng.integers(1, 24, len(number))) % 24)
    weights = rng.uniform(0.2, 3, pairs).astype(np.float32)[number]
    return Examples([TEXTS[n] for n in number], rows, first.astype(np.float32), weights, number)


def naive(loss, logits, examples):
    """One pair at a time, in numpy."""
    total = mass = 0.0
    for pair in np.unique(examples.pairs):
        mine = examples.pairs == pair
        z, y, w = logits[mine].astype(np.float64), examples.labels[mine], examples.weights[mine].astype(np.float64)
        if isinstance(loss, Listwise):
            total += w[0] * (np.log(np.exp(z).sum()) - z[y == 1][0])
            mass += w[0]
        else:
            total += (w * np.where(y == 1, np.log1p(np.exp(-z)), np.log1p(np.exp(z)))).sum()
            mass += w.sum()
    return total / mass


def value(loss, logits, examples):
    labels, weights, pairs = (torch.from_numpy(c) for c in (examples.labels, examples.weights, examples.pairs))
    return float(loss(torch.from_numpy(logits), labels, weights, pairs) / loss.mass(labels, weights))


@both
@pytest.mark.parametrize("seed", range(5))
def test_it_is_that_of_a_naive_loop(loss, seed):
    examples = data(seed=seed)
    logits = np.random.default_rng(seed).normal(0, 3, len(examples.rows)).astype(np.float32)
    assert value(loss, logits, examples) == pytest.approx(naive(loss, logits, examples), rel=1e-5)


def test_only_listwise_does_not_see_the_level_of_a_query():
    examples = data()
    logits = np.random.default_rng(0).normal(size=len(examples.rows)).astype(np.float32)
    raised = logits + 5 * (examples.pairs == 3)
    assert value(Listwise(), raised, examples) == pytest.approx(value(Listwise(), logits, examples), abs=1e-5)
    assert value(Bce(), raised, examples) > value(Bce(), logits, examples) + 0.02


def test_a_pair_without_a_negative_costs_nothing_in_listwise():
    alone = Examples(["q"], np.array([0]), np.ones(1, np.float32), np.ones(1, np.float32), np.array([0]))
    assert value(Listwise(), np.array([-7.0], np.float32), alone) == 0


def gradients(model, loss, examples, budget):
    model.zero_grad()
    ids = model.tokenize(examples.queries, [TEXTS[row] for row in examples.rows])
    calls = []
    hook = model.register_forward_hook(lambda module, given, out: calls.append(len(out)))
    # Pairs of a step come in an order of their own.
    rows = np.concatenate([np.flatnonzero(examples.pairs == pair) for pair in (5, 0, 7, 2, 1, 3, 6, 4)])
    backward(model, examples, ids, rows, loss, budget)
    hook.remove()
    assert sum(calls) == len(rows)
    return [weight.grad.clone() for weight in model.parameters() if weight.grad is not None], len(calls)


@both
def test_parts_of_a_step_give_the_gradients_of_the_whole(loss, encoder):
    model = CrossEncoder.from_encoder(encoder, seed=0)
    model.scorer.head.weight.data.mul_(20)
    whole, once = gradients(model, loss, data(), 1_000_000)
    parts, often = gradients(model, loss, data(), 150)
    assert once == 1 and often > 3 and max(float(g.abs().max()) for g in whole) > 1e-3
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@both
def test_gradients_are_those_of_the_naive_loop(loss, encoder):
    """By finite differences in the bias and one weight of the head."""
    model, examples = CrossEncoder.from_encoder(encoder, seed=0).double(), data()
    model.scorer.head.weight.data.mul_(20)
    gradients(model, loss, examples, 200)
    ids = model.tokenize(examples.queries, [TEXTS[row] for row in examples.rows])

    def at(weight, step):
        with torch.no_grad():
            weight += step
            logits = model(*model.pad(ids)).numpy()
            weight -= step
        return naive(loss, logits, examples)

    head = model.scorer.head
    for weight, grad in (
        (head.weight[0, :1], head.weight.grad[0, 0]),
        (head.weight[0, 40:41], head.weight.grad[0, 40]),
    ):
        slope = (at(weight, 1e-4) - at(weight, -1e-4)) / 2e-4
        assert float(grad) == pytest.approx(slope, rel=1e-3, abs=1e-6) and abs(slope) > 1e-4


@both
def test_training_lowers_the_loss_and_ranks_positives_higher(loss, encoder):
    model, examples = CrossEncoder.from_encoder(encoder, seed=0), data(24)
    documents = [TEXTS[row] for row in examples.rows]
    score = lambda: model.score(examples.queries, documents, precision="fp32")  # noqa: E731

    def first(logits):
        """Share of pairs whose positive outscores all its negatives."""
        best = [logits[examples.pairs == p].argmax() for p in range(24)]
        return np.mean([examples.labels[examples.pairs == p][b] for p, b in enumerate(best)])

    before = score()
    recipe = Recipe(epochs=12, batch_size=8, learning_rate=3e-3, head_learning_rate=1e-2)
    train(model, examples, TEXTS, recipe, loss, 0, lambda done, of: None)
    after = score()
    assert value(loss, after, examples) < 0.5 * value(loss, before, examples)
    assert first(after) > max(0.8, first(before) + 0.2)
