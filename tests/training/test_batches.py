import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_training import Bag, make_batches, make_examples

from shoptalk.losses import InfoNCE
from shoptalk.temperature import Fixed
from shoptalk.training.module import BiEncoder, cast_once


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_batch_keeps_its_promises(seed):
    examples = make_examples(seed)
    batches = make_batches(examples)
    seen = []
    for step in range(len(batches)):
        batch = batches[step]
        rows = np.concatenate([c.rows for c in batch.documents])
        assert sorted(rows) == list(range(batch.mask.shape[1])), "each document stands in one chunk"
        for line, pair in enumerate(batch.pairs.tolist()):
            assert not batch.mask[line, batch.positive[line]]
            assert batch.weight[line] == examples.weights[pair]
        seen += batch.pairs.tolist()
    assert seen == examples.order.tolist(), "every draw once, in order"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_known_positives_are_masked_and_nothing_else(seed):
    examples = make_examples(seed)
    batches = make_batches(examples)
    for step in range(len(batches)):
        batch = batches[step]
        lengths = {}
        for chunk in batch.documents:
            for row, ids, mask in zip(chunk.rows.tolist(), chunk.input_ids, chunk.attention_mask, strict=True):
                lengths[row] = tuple(ids[mask.bool()].tolist())
        for line, pair in enumerate(batch.pairs.tolist()):
            known = {tuple(examples.document_tokens[d].tolist()) for d in examples.known[pair]}
            for column in range(batch.mask.shape[1]):
                expected = lengths[column] in known and column != batch.positive[line]
                assert bool(batch.mask[line, column]) == expected


def test_the_same_step_gives_the_same_batch():
    first, again = make_batches(make_examples(3))[2], make_batches(make_examples(3))[2]
    assert torch.equal(first.mask, again.mask) and torch.equal(first.pairs, again.pairs)
    assert all(torch.equal(a.input_ids, b.input_ids) for a, b in zip(first.documents, again.documents, strict=True))


def test_a_pair_drawn_again_brings_other_negatives():
    examples = make_examples(1, pairs=4, draws=16)
    assert examples.repetitions.tolist() == [examples.order[:i].tolist().count(p) for i, p in enumerate(examples.order)]


@pytest.mark.parametrize("chunk_tokens", [1, 25, 10_000])
def test_chunks_change_neither_loss_nor_gradient(chunk_tokens):
    def gradients(size):
        torch.manual_seed(0)
        bag = Bag()
        module = BiEncoder(
            bag, InfoNCE(), Fixed(0.05), learning_rate=1e-3, weight_decay=0, warmup=0, steps=5, seed=0, identity={}
        )
        batch = make_batches(make_examples(5), size)[1]
        loss = InfoNCE()(*module._encode(batch), batch.positive, batch.mask, batch.weight, torch.tensor(0.05))
        loss.backward()
        return loss.item(), bag.table.weight.grad, bag.layer.weight.grad

    expected, found = gradients(200), gradients(chunk_tokens)
    assert found[0] == pytest.approx(expected[0], rel=1e-6)
    assert torch.allclose(found[1], expected[1], atol=1e-6) and torch.allclose(found[2], expected[2], atol=1e-6)


def test_weights_are_cast_once_per_step_and_the_cast_ends_with_it():
    layer = torch.nn.Linear(4, 4)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        with cast_once("cpu"):
            assert torch.is_autocast_cache_enabled()
            assert layer(torch.ones(1, 4)).dtype is torch.bfloat16
        assert not torch.is_autocast_cache_enabled()
    with cast_once("cpu"):
        assert layer(torch.ones(1, 4)).dtype is torch.float32
