from types import SimpleNamespace

import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.domain.judgments import Judged
from shoptalk.errors import InputError
from shoptalk.models.cross_encoder import CrossEncoder
from shoptalk.negatives.hub import HubTeacher
from shoptalk.negatives.outputs import FromProbabilities, as_they_are, whichever
from shoptalk.negatives.teacher import TeacherAsk

ENCODER = SimpleNamespace(device=torch.device("cpu"))


@pytest.fixture
def ask(world):
    ground = world.make()
    near = ground.dense(["red ant", "blue cat"], 3).rows
    judged = Judged(["a", "b"], ["red ant", "blue cat"], {"a": {f"d{near[0, 1]}": 1}, "b": {f"d{near[1, 0]}": 1}})
    fields = {"calibration": judged, "window": (0, 20), "cache": ground.cache, "seed": 0}
    return TeacherAsk(ground.pairs, ground.corpus, ground.known, ground.dense, ENCODER, **fields)


QUERIES, ROWS = ["red dog", "old bee"], np.array([[3, -1, 5], [0, 1, 2]])


@pytest.mark.parametrize("kind", ["bert", "xlm_roberta", "qwen"])
@pytest.mark.parametrize("labels", [1, 2])
def test_any_classifier_works_by_name(tmp_path, ask, kind, labels):
    name = str(tiny_models.classifier(tmp_path / "model", labels, kind))
    relevance = HubTeacher(name, output="logit").relevance(ask)
    logits = relevance.scores(QUERIES, ROWS)
    passages = [ask.corpus.passages[row] for row in (3, 5, 0, 1, 2)]
    expected = CrossEncoder.load(name).score(["red dog"] * 2 + ["old bee"] * 3, passages)
    np.testing.assert_allclose(logits[ROWS >= 0], expected, atol=1e-5)
    p = relevance(QUERIES, [], ROWS)
    assert np.isnan(p[0, 1]) and ((p > 0) & (p < 1) | (ROWS < 0)).all() and np.std(expected) > 0.001


class Exact(CrossEncoder):
    """In float32 whatever the machine multiplies fast."""

    def score(self, queries, documents, **options):
        return super().score(queries, documents, precision="fp32")


class Sure(Exact):
    """A cross-encoder whose own head ends in a sigmoid, or with two outputs in a softmax."""

    def score(self, queries, documents, **options):
        logits = super().score(queries, documents)
        return np.tanh(logits / 2) if self.outputs == 2 else (1 / (1 + np.exp(-logits))).astype(np.float32)


@pytest.mark.parametrize("labels", [1, 2])
@pytest.mark.parametrize("output", ["auto", "probability"])
def test_a_model_of_probabilities_gives_the_same_as_one_of_logits(tmp_path, ask, monkeypatch, labels, output):
    name = str(tiny_models.classifier(tmp_path / "model", labels))
    monkeypatch.setattr(HubTeacher, "_load", lambda self: Exact.load(self.name))
    plain = HubTeacher(name, output="logit").relevance(ask)
    monkeypatch.setattr(HubTeacher, "_load", lambda self: Sure.load(self.name))
    monkeypatch.setattr(Sure, "digest", "sure")
    sure = HubTeacher(name, output=output).relevance(ask)
    np.testing.assert_allclose(sure.scores(QUERIES, ROWS), plain.scores(QUERIES, ROWS), atol=1e-4)
    np.testing.assert_allclose(sure(QUERIES, [], ROWS), plain(QUERIES, [], ROWS), atol=1e-4)
    guessed = any("taken for probabilities" in notice for notice in sure.notices)
    assert guessed == (output == "auto") and not any("taken for" in notice for notice in plain.notices)


def test_certain_probabilities_stay_finite_and_the_order_stays():
    p = np.array([[0, 1e-9, 0.3, 1, np.nan]], np.float32)
    logits = FromProbabilities()(p)
    assert np.isfinite(logits[0, :4]).all() and np.isnan(logits[0, 4]) and (np.diff(logits[0, :4]) >= 0).all()
    assert logits[0, 2] == pytest.approx(np.log(0.3 / 0.7), abs=1e-6) and logits[0, 3] == pytest.approx(
        13.8155, abs=1e-3
    )
    difference = FromProbabilities(-1.0)(2 * p - 1)
    np.testing.assert_allclose(difference[0, 2:], logits[0, 2:], atol=1e-5)


def test_auto_tells_by_the_range():
    assert whichever(np.array([0.0, 1, np.nan]), 0.0) == FromProbabilities()
    for scores in ([0.2, 1.1], [-0.1, 0.5], [0.2, np.inf]):
        assert whichever(np.array(scores), 0.0) is as_they_are
    assert whichever(np.array([-0.1, 0.5]), -1.0) == FromProbabilities(-1.0)


def test_logits_taken_for_probabilities_are_refused(tmp_path, ask, monkeypatch):
    name = str(tiny_models.classifier(tmp_path / "model"))
    monkeypatch.setattr(CrossEncoder, "score", lambda self, q, d, progress=None: np.linspace(-3, 4, len(q)))
    with pytest.raises(InputError, match=r"scores go from -3 to 4; set teacher\.output=logit"):
        HubTeacher(name, output="probability").relevance(ask)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(tmp_path, ask, monkeypatch, bad):
    name = str(tiny_models.classifier(tmp_path / "model"))
    monkeypatch.setattr(CrossEncoder, "score", lambda self, q, d, progress=None: np.where(np.arange(len(q)), 0.5, bad))
    for output in ("auto", "logit", "probability"):
        with pytest.raises(InputError, match="scores that are not finite; choose another teacher"):
            HubTeacher(name, output=output).relevance(ask)


def test_scores_of_one_precision_are_not_those_of_another(tmp_path, ask, monkeypatch):
    from shoptalk.models import precision

    name, keys = str(tiny_models.classifier(tmp_path / "model")), []
    for chosen in ("fp32", "bf16"):
        monkeypatch.setattr(precision, "preferred_precision", lambda device=None, chosen=chosen: chosen)
        keys.append(HubTeacher(name).relevance(ask).scores.key)
    assert keys[0] != keys[1]


def test_an_unknown_kind_of_output_is_refused():
    with pytest.raises(InputError, match=r"teacher\.output=odds: must be one of auto, logit, probability"):
        HubTeacher("x", output="odds")
