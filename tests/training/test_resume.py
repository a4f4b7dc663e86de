"""A run stopped and resumed ends where an uninterrupted one ends."""

import os
import signal
from pathlib import Path

import pytest
import torch
from tiny_training import Bag, make_batches, make_examples, make_module

from shoptalk.errors import InputError
from shoptalk.losses import InfoNCE
from shoptalk.temperature import Learned
from shoptalk.training.callbacks import Interrupted, KeepBest
from shoptalk.training.datamodule import PairsData
from shoptalk.training.module import BiEncoder
from shoptalk.training.settings import Settings

SETTINGS = Settings(
    batch_size=8, pairs=120, learning_rate=1e-2, weight_decay=0.01, warmup=0.1, gradient_clip=1.0, looks=3,
    chunk_tokens=40, accelerator="cpu", precision="32-true",
)  # fmt: skip


def run(folder: Path, stop_at: int | None = None, ckpt: str | None = None, seed: int = 0) -> tuple[BiEncoder, KeepBest]:
    examples = make_examples(0, draws=120)
    batches = make_batches(examples)
    torch.manual_seed(0)
    bag = Bag(dropout=0.2)
    identity = examples.identity() | {"seed": str(seed)}
    temperature = Learned(0.05, 0.01, 0.2)
    module = make_module(bag, len(batches), temperature=temperature, identity=identity, seed=seed)
    keep = KeepBest(folder, len(batches), 3, lambda: float(bag.layer.weight.detach().sum()))
    if stop_at is not None:
        original = module.training_step

        def training_step(batch, batch_idx):
            if module.global_step == stop_at - 1:
                os.kill(os.getpid(), signal.SIGINT)
            return original(batch, batch_idx)

        module.training_step = training_step
    trainer = SETTINGS.trainer(folder, len(batches), [keep], False, bar=False)
    trainer.fit(module, PairsData(batches), ckpt_path=ckpt, weights_only=True)
    return module, keep


@pytest.mark.parametrize("stop_at", [3, 7, 14])
def test_ctrl_c_then_resume_equals_no_interruption(tmp_path, stop_at):
    before = signal.getsignal(signal.SIGINT)  # ignored where a shell started us in the background
    whole, kept = run(tmp_path / "whole")
    with pytest.raises(Interrupted) as stop:
        run(tmp_path / "cut", stop_at=stop_at)
    assert signal.getsignal(signal.SIGINT) is before
    resumed, kept_again = run(tmp_path / "cut", ckpt=stop.value.args[0])
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert kept.curve == kept_again.curve and kept.best_score == kept_again.best_score


def test_a_checkpoint_holds_nothing_to_unpickle(tmp_path):
    run(tmp_path)
    state = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert state["identity"]["seed"] == "0"


def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path):
    run(tmp_path)
    with pytest.raises(InputError, match="another run: seed is 0 there and 1 here"):
        run(tmp_path, ckpt=str(tmp_path / "last.ckpt"), seed=1)


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    good = InfoNCE.forward

    def bad(self, queries, documents, targets, temperature):
        loss = good(self, queries, documents, targets, temperature)
        bad.calls += 1
        return loss * float("nan") if bad.calls == 8 else loss

    bad.calls = 0
    monkeypatch.setattr(InfoNCE, "forward", bad)
    with pytest.raises(InputError, match=r"The loss is nan at step 7 \(rows \[\d+, .*pairs\.parquet"):
        run(tmp_path)
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert state["global_step"] == 5
    assert all(torch.isfinite(value).all() for value in state["state_dict"].values())
