"""What is set source by source, through the whole of ``train()``."""

import json

import pytest
import torch
from tiny_runs import runs

from shoptalk.errors import InputError

FIXED = (
    "data=labels+synthetic", "domain=beir", "trainer=cpu", "trainer.precision=32-true", "trainer.batch_size=16",
    "trainer.learning_rate=5e-3", "trainer.pairs=96", "trainer.looks=1", "mixing=balanced", "mixing.max_repeats=40",
    "negatives=in_batch", "threads=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    return runs(tmp_path_factory.mktemp("by_source"), *FIXED)


@pytest.fixture(scope="module")
def plain(ground):
    return ground("plain")


def weights(outcome) -> torch.Tensor:
    state = torch.load(outcome.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return torch.cat([value.flatten() for value in state.values()])


@pytest.mark.parametrize("option", ["mixing.weights.synthetic=0.1", "temperature.by_source.synthetic=0.5"])
def test_it_changes_what_is_learned_and_not_what_is_drawn(ground, plain, option):
    outcome = ground(option.split(".")[0], option)
    assert torch.isfinite(weights(outcome)).all() and not torch.equal(weights(outcome), weights(plain))
    told, before = outcome.metrics["mixing"], plain.metrics["mixing"]
    assert told["drawn"] == before["drawn"] == {"labels": 0.5, "synthetic": 0.5} and "stages" not in told
    changed = told["share_of_loss"]["synthetic"] < 0.5 * before["share_of_loss"]["synthetic"]
    assert changed == option.startswith("mixing")


def test_a_temperature_that_all_have_anyway_changes_no_digit(ground, plain):
    same = ground("same", "temperature.value=0.05", "temperature.by_source.synthetic=0.05")
    assert torch.equal(weights(same), weights(plain))


def test_a_curriculum_is_told_by_stages_in_metrics_and_report(ground):
    outcome = ground("curriculum", "mixing=synthetic_first")
    stages = json.loads((outcome.folder / "metrics.json").read_text())["mixing"]["stages"]
    assert len(stages) == 10 and stages[-1]["until"] == 1
    assert stages[0]["drawn"] == {"labels": 0.0, "synthetic": 1.0} and stages[-1]["drawn"]["synthetic"] == 0
    assert all(sum(stage[key].values()) == pytest.approx(1) for stage in stages for key in list(stage)[1:])
    assert "100.0%, 100.0%, 100.0%" in (outcome.folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("mixing.weights.synthetic=0.1", r"another run: pairs is \w+ there and \w+ here\."),
        (
            "temperature.by_source.synthetic=0.5",
            r"temperature\.by_source\.synthetic is None there and 0\.5 here",
        ),
    ],
)
def test_a_checkpoint_made_without_it_is_refused(ground, plain, option, told):
    with pytest.raises(InputError, match=told):
        ground("foreign", option, f"ckpt_path={plain.folder}/checkpoints/last.ckpt")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["mixing.weights.clicks=0.5"], r"mixing\.weights\.clicks is set, but the chosen sources are"),
        (["temperature.by_source.clicks=0.5"], r"temperature\.by_source\.clicks is set, but the chosen sources are"),
        (["temperature.by_source.labels=0.5", "loss=margin_mse", "loss.base.similarity=dot", "loss.spread_out=1"],
         r"temperature\.by_source\.labels is set, but this loss divides no score"),
        (["mixing.weights.labels=2", "trainer.one_source=true"], r"mixing\.weights\.labels counts for nothing"),
    ],
)  # fmt: skip
def test_what_could_not_count_is_refused_in_one_sentence(ground, options, told):
    with pytest.raises(InputError, match=told) as caught:
        ground("refused", *options)
    assert "\n" not in str(caught.value)
