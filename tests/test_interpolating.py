import numpy as np
import pytest
import torch
from tiny_models import bert, texts

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.errors import InputError
from shoptalk.export import interpolate
from shoptalk.fitting import Fitted
from shoptalk.interpolating import POINTS, between, checked, curve, kept
from shoptalk.models.encoder import Encoder
from shoptalk.retrieval.dense import Dense
from shoptalk.retrieval.metrics import per_query

PASSAGES = texts(30)
CORPUS = Corpus([f"d{i}" for i in range(30)], [""] * 30, PASSAGES)
JUDGED = Judged([str(i) for i in range(8)], texts(8, seed=3), {str(i): {f"d{i}": 1} for i in range(8)})


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    folder = str(bert(tmp_path_factory.mktemp("model")))
    base, adapted = Encoder.load(folder), Encoder.load(folder)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in adapted.parameters():
            weight += 0.3 * torch.randn(weight.shape, generator=draw)
    return base, adapted


def test_every_weight_lies_that_far_along_and_both_ends_stay(ends):
    before = [{name: w.clone() for name, w in model.state_dict().items()} for model in ends]
    middle = interpolate(*ends, 0.25).state_dict()
    for name, weight in middle.items():
        expected = 0.75 * before[0][name] + 0.25 * before[1][name] if weight.is_floating_point() else before[1][name]
        assert torch.allclose(weight, expected.to(weight.dtype), atol=1e-6)
    for model, weights in zip(ends, before, strict=True):
        assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())


def test_the_ends_of_the_way_are_the_two_models(ends):
    for alpha, model in zip((0, 1), ends, strict=True):
        found = interpolate(*ends, alpha).embed(PASSAGES, "document", precision="fp32")
        assert found == pytest.approx(model.embed(PASSAGES, "document", precision="fp32"), abs=1e-5)


@pytest.mark.parametrize("alpha", [-0.1, 1.5, True, "half"])
def test_a_share_that_is_none_is_refused(ends, alpha):
    with pytest.raises(InputError, match="a number from 0 to 1"):
        interpolate(*ends, alpha)


def test_models_of_another_shape_are_refused(ends, tmp_path):
    with pytest.raises(InputError, match="different shape"):
        interpolate(Encoder.load(str(bert(tmp_path, pooling="cls"))).backbone.encoder, ends[1], 0.5)


def test_points_between_are_measured_as_a_model_of_these_weights_would_be(ends, quiet_bar):
    ids = ends[0].tokenize(PASSAGES, "document")
    found = between([0.5], *ends, ids, JUDGED, CORPUS, quiet_bar)
    middle = interpolate(*ends, 0.5)
    ranked = Dense(middle.embed, middle.embed(PASSAGES, "document"))(list(JUDGED.texts), 30)
    expected = per_query(ranked, CORPUS.ids, JUDGED)["ndcg@10"].to_numpy()
    assert list(found) == [0.5] and found[0.5] == pytest.approx(expected, abs=1e-9)


@pytest.fixture
def quiet_bar():
    from rich.console import Console

    from shoptalk.reporting.progress import Stages

    return Stages((), Console(quiet=True)).bar


def test_the_curve_has_both_ends_and_counts_what_is_lost():
    base, adapted = np.array([1.0, 0.0, 0.5]), np.array([0.3, 1.0, 1.0])
    points = curve({0.5: np.array([0.6, 0.9, 0.5])}, base, adapted)
    assert [point["alpha"] for point in points] == [0.0, 0.5, 1.0]
    assert [point["lost"] for point in points] == [0, 1, 1] and [point["won"] for point in points] == [0, 1, 2]
    assert points[1]["ndcg@10"] == pytest.approx(2 / 3) and points[0]["right"] == 1


def test_points_are_checked_before_anything_is_trained():
    domain, bare = (Domain("x", CORPUS, {"dev": JUDGED} if there else {}) for there in (True, False))
    assert checked([0.75, 0.25, 0.25], domain) == [0.25, 0.75] and checked(None, bare) == []
    for given in ([0.5, 1], [0], [True], ["x"]):
        with pytest.raises(InputError, match=r"evaluation\.interpolate="):
            checked(given, domain)
    with pytest.raises(InputError, match="no dev split"):
        checked([0.5], bare)


class Stub:
    """Scores for the weights that lie a share of the way, as a dev pool would give."""

    def __init__(self, ends, scores):
        self.ends, self.scores = ends, scores

    def score(self, encoder):
        weight = next(iter(encoder.parameters()))
        base, trained = (next(iter(model.parameters())) for model in self.ends)
        return self.scores[round(float(((weight - base) / (trained - base)).median()), 2)]


@pytest.mark.parametrize(
    ("scores", "share"), [([0.1, 0.3, 0.2, 0.2], 0.5), ([0.3, 0.3, 0.3, 0.3], 0.25), ([0.1, 0.2, 0.3, 0.4], 1.0)]
)
def test_dev_chooses_the_best_point_and_of_equal_ones_the_nearest_to_the_base_model(ends, scores, share):
    points = dict(zip(POINTS, scores, strict=True))
    fitted = Fitted(ends[1], {}, 1e-3, 1, 0.0, {}, 0)
    chosen = kept(fitted, ends[0], None, Stub(ends, points))
    assert chosen.share == share and chosen.interpolation == points
    expected = interpolate(*ends, share).state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in chosen.encoder.state_dict().items())
