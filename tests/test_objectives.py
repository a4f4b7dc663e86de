"""Every objective through the whole of ``train()``."""

import polars as pl
import pytest
import torch
from tiny_runs import TEACHER, runs

from shoptalk.errors import InputError

FIXED = (
    "data=labels", "domain=beir", "trainer=cpu", "trainer.precision=32-true", "trainer.batch_size=16", "threads=1",
    "trainer.learning_rate=5e-3", "trainer.pairs=64", "mixing.max_repeats=40", "trainer.looks=1", "logger=csv",
    "negatives=ann",
)  # fmt: skip


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    return runs(tmp_path_factory.mktemp("objectives"), *FIXED)


@pytest.fixture(scope="module")
def plain(ground):
    return weights(ground("plain"))


def weights(outcome) -> torch.Tensor:
    state = torch.load(outcome.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return torch.cat([value.flatten() for value in state.values()])


@pytest.mark.parametrize(
    "overrides",
    [
        ["loss.base.symmetric=true"],
        ["loss.base.guide_margin=0.0"],
        ["loss.matryoshka=[32,16,8]"],
        ["loss.spread_out=0.5"],
        ["loss=margin_mse", *TEACHER],
        ["loss=kl", *TEACHER],
        ["trainer.one_source=true", "data=labels+synthetic"],
    ],
    ids=lambda overrides: overrides[0],
)
def test_each_objective_trains_and_is_not_the_plain_one(ground, plain, overrides):
    outcome = ground("".join(filter(str.isalnum, overrides[0])), *overrides)
    assert torch.isfinite(weights(outcome)).all() and not torch.equal(weights(outcome), plain)


def test_a_teachers_scores_stand_beside_the_negatives(ground):
    outcome = ground("scores", "loss=kl", *TEACHER)
    table = pl.read_parquet(outcome.folder / "negatives.parquet")
    assert (table["teacher"].list.len() == table["negatives"].list.len() + 1).all()
    assert table["teacher"].explode().is_finite().all()


SHORT = ("negatives.fallback._target_=shoptalk.negatives.fallbacks.Short", "negatives.min_score=0.98")


@pytest.mark.parametrize(
    "overrides",
    [
        ["negatives=mixed", "negatives.parts.bm25.share=3", "negatives.per_pair=2"],
        ["negatives=twins"],
        [*SHORT, "negatives.per_pair=3"],
        ["loss=kl", *TEACHER, *SHORT],
        ["loss=margin_mse", *TEACHER, *SHORT],
    ],
    ids=["mixed", "twins", "short", "short_kl", "short_margin_mse"],
)
def test_each_way_of_finding_negatives_trains_and_tells_its_counts(ground, request, overrides):
    outcome = ground(request.node.callspec.id, *overrides)
    assert torch.isfinite(weights(outcome)).all()
    told, table = outcome.metrics["negatives"], pl.read_parquet(outcome.folder / "negatives.parquet")
    sizes = table["negatives"].list.len()
    assert sizes.sum() == told["kept"] + told["filled"] == sum(told["miners"].values())
    assert told["fallback"] == ("none" if SHORT[0] in overrides else "random")
    assert told["fallback"] == "random" or (0 in sizes and sizes.max() > 0 and told["filled"] == 0)
    assert told["seen"] - sum(told["dropped"].values()) >= told["kept"] - told["miners"].get("random", 0)


def test_scarce_memory_turns_gradient_caching_on_and_changes_nothing_else(ground, plain, monkeypatch):
    monkeypatch.setattr("shoptalk.training.memory.free_bytes", lambda device: 1000)
    outcome = ground("scarce", "trainer.chunk_tokens=2048")  # fewer would change the last digits
    assert outcome.metrics["encoding"]["gradient_cache"]
    assert torch.allclose(weights(outcome), plain, atol=1e-5)


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["loss=kl", "negatives=in_batch", *TEACHER], "another strategy than negatives=in_batch"),
        (["loss=kl", "teacher=none"], "choose teacher=own or teacher=hub"),
        (["trainer.batch_size=65"], "batch_size=65 is more than the 64 pairs"),
        (["loss.matryoshka=[999]"], "999"),
    ],
)
def test_what_cannot_be_trained_is_told_in_a_sentence(ground, overrides, told):
    with pytest.raises(InputError, match=told):
        ground("refused", *overrides)
