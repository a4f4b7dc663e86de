"""Negatives mined anew in the middle of a run: what they come from, and that a killed run ends the same."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_training import Bag, Killed, Nearest, make_batches, make_examples, make_module

from shoptalk.errors import InputError
from shoptalk.negatives.refreshed import Refreshed
from shoptalk.negatives.strategies import Ann, InBatch
from shoptalk.training.callbacks import KeepBest
from shoptalk.training.datamodule import PairsData
from shoptalk.training.refreshing import Refreshing
from shoptalk.training.settings import Settings

SETTINGS = Settings(
    batch_size=8, pairs=120, learning_rate=1e-2, weight_decay=0.01, warmup=0.1, gradient_clip=1.0, looks=5,
    chunk_tokens=40, accelerator="cpu", precision="32-true",
)  # fmt: skip


def run(folder, dies_at=None, stops_at=None, ckpt=None, teacher=False):
    examples = make_examples(0, draws=120)
    if teacher:
        told = [np.append(p, rows).astype(np.float32) for p, rows in enumerate(examples.negatives)]
        object.__setattr__(examples, "teacher", told)
    batches = make_batches(examples)
    torch.manual_seed(0)
    bag, remine = Bag(dropout=0.2), Nearest(examples, teacher, dies_at)
    refreshing = Refreshing(batches, bag, remine)
    module = make_module(bag, len(batches), identity=examples.identity())
    module.learning_rate, seen = 0.3, []  # so that the nearest documents change
    original = module.training_step

    def training_step(batch, batch_idx):
        if module.global_step == stops_at:
            raise Killed
        seen.append(batch)
        return original(batch, batch_idx)

    module.training_step = training_step
    keep = KeepBest(folder, len(batches), 5, lambda: float(bag.layer.weight.detach().sum()))
    trainer = SETTINGS.trainer(folder, len(batches), [keep], False, bar=False)
    trainer.fit(module, PairsData(batches, refreshing), ckpt_path=ckpt, weights_only=True)
    return module, keep, refreshing, seen, remine


def told(refreshing):
    return [{key: value for key, value in line.items() if key != "seconds"} for line in refreshing.told]


def test_every_batch_holds_the_negatives_then_in_force(tmp_path):
    _, _, refreshing, seen, remine = run(tmp_path)
    assert [line["step"] for line in refreshing.told] == [4, 8, 12] and len(seen) == 15
    examples = refreshing.batches.examples
    for number, step in enumerate((4, 8, 12)):
        to_come = np.unique(examples.order[step * 8 :])
        assert (remine.calls[number] == to_come).all() and told(refreshing)[number]["pairs"] == len(to_come)
        assert 0 < refreshing.told[number]["changed"] <= 1
    # Lightning fetches a batch ahead; the first after the last refresh holds what that refresh found.
    fresh = refreshing.batches[12]
    assert all((a == b).all() for a, b in zip(seen[12].documents, fresh.documents, strict=True))
    assert not all(len(rows) == 3 for rows in make_examples(0, draws=120).negatives)
    assert all(len(examples.negatives[pair]) == 3 for pair in remine.calls[-1])


@pytest.mark.parametrize("teacher", [False, True])
@pytest.mark.parametrize("how", [{"dies_at": 2}, {"stops_at": 8}, {"stops_at": 10}, {"dies_at": 3}, {"stops_at": 14}])
def test_killed_between_and_during_refreshes_and_resumed_nothing_differs(tmp_path, how, teacher):
    whole, kept, refreshed, *_ = run(tmp_path / "whole", teacher=teacher)
    with pytest.raises(Killed):
        run(tmp_path / "cut", **how, teacher=teacher)
    last = torch.load(tmp_path / "cut" / "last.ckpt", weights_only=True)
    assert last["global_step"] in (6, 9, 12)
    resumed, kept_again, again, *_ = run(tmp_path / "cut", ckpt=str(tmp_path / "cut" / "last.ckpt"), teacher=teacher)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert kept.curve == kept_again.curve and told(refreshed) == told(again)
    ours, theirs = (r.batches.examples for r in (refreshed, again))
    assert all((a == b).all() for a, b in zip(ours.negatives, theirs.negatives, strict=True))
    if teacher:
        assert all((a == b).all() for a, b in zip(ours.teacher, theirs.teacher, strict=True))


def test_when_to_refresh():
    assert Refreshed(Ann(), 7).steps(1000, 64, 50) == 7 and Refreshed(Ann()).steps(1000, 64, 50) == 15
    assert Refreshed(Ann(), 0.5).steps(1000, 64, 50) == 25 and Refreshed(Ann(), 0.01).steps(1000, 64, 50) == 1
    assert Refreshed(Ann()).steps(10, 64, 50) == 1 and Refreshed(Ann(per_pair=2)).per_pair == 2
    for wrong in (0, -1, 2.5, True, "often"):
        with pytest.raises(InputError, match="must be a number of steps from 1 on, a share of them, or epoch"):
            Refreshed(Ann(), wrong)
    with pytest.raises(InputError, match="mines nothing that could be refreshed"):
        Refreshed(InBatch(), 5)


def test_a_run_too_short_for_a_refresh_says_so():
    examples, said = make_examples(0, draws=120), []
    batches = make_batches(examples)
    remine = SimpleNamespace(every=lambda pairs, size, whole: whole)
    Refreshing(batches, None, remine, said.append).before(1)
    assert len(said) == 1 and f"the run ends after {len(batches)} steps" in said[0]
