from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_training import make_batches, make_examples

from shoptalk.losses import InfoNCE
from shoptalk.losses.kl import KL
from shoptalk.losses.margin_mse import MarginMSE
from shoptalk.negatives.draws import rotate
from shoptalk.training.batches import Batches, mixed, one_source
from shoptalk.training.module import cast_once

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("divide", [mixed, one_source])
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_every_batch_keeps_its_promises(divide, seed):
    examples = make_examples(seed)
    examples = replace(examples, own_temperatures=np.arange(1, 21, dtype=np.float32))
    batches = make_batches(examples, divide=divide)
    seen, given = [], 0
    for step in range(len(batches)):
        batch = batches[step]
        given += 1
        assert len(batch.documents) == batch.targets.mask.shape[1]
        assert len({ids.tobytes() for ids in batch.documents}) == len(batch.documents), "each document once"
        for line, pair in enumerate(batch.pairs.tolist()):
            assert not batch.targets.mask[line, batch.targets.positive[line]]
            assert batch.targets.weight[line] == examples.weights[pair]
            assert batch.targets.own_temperature[line] == examples.own_temperatures[pair]
            assert batch.queries[line].tolist() == examples.query_tokens[pair].tolist()
        seen += batch.pairs.tolist()
    assert sorted(seen) == sorted(examples.order.tolist()), "every draw once"
    assert divide is one_source or seen == examples.order.tolist(), "in order"
    assert given == len(batches)
    sizes = [len(batches[step].pairs) for step in range(len(batches))]
    assert batches.short == sum(size < 8 for size in sizes)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_batches_of_one_source_have_one_and_at_most_one_short_batch_each(seed):
    examples = make_examples(seed)
    batches = make_batches(examples, divide=one_source)
    sources = [set(examples.sources[batches[step].pairs].tolist()) for step in range(len(batches))]
    assert all(len(found) == 1 for found in sources)
    assert batches.short <= len(set(examples.sources.tolist()))


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_known_positives_are_masked_and_nothing_else(seed):
    examples = make_examples(seed)
    batches = make_batches(examples)
    for step in range(len(batches)):
        batch = batches[step]
        for line, pair in enumerate(batch.pairs.tolist()):
            known = {tuple(examples.document_tokens[d].tolist()) for d in examples.known[pair]}
            for column, ids in enumerate(batch.documents):
                expected = tuple(ids.tolist()) in known and column != batch.targets.positive[line]
                assert bool(batch.targets.mask[line, column]) == expected


@pytest.mark.parametrize("per_pair", [1, 2, 4])
def test_a_pair_with_fewer_negatives_than_asked_for_brings_those_it_has(per_pair):
    rows = [[], [20], [21, 22, 23], [24, 25]]
    examples = replace(
        make_examples(5, pairs=4, documents=30, draws=40),
        positives=np.arange(4),
        known=[np.array([pair]) for pair in range(4)],
        negatives=[np.array(line, np.int64) for line in rows],
        teacher=[np.array([pair, *line], np.float32) for pair, line in enumerate(rows)],
        order=np.tile(np.arange(4), 10),
    )
    batches = Batches(examples, 4, 0, lambda kept, *draw: rotate(kept, per_pair, *draw))
    seen = set()
    for step in range(10):
        batch = batches[step]
        documents = [int(ids[0]) - 1 for ids in batch.documents]
        brought = set(documents) - set(range(4))
        assert [len(brought & set(line)) for line in rows] == [min(len(line), per_pair) for line in rows]
        for line, (pair, told) in enumerate(zip(batch.pairs, batch.targets.teacher, strict=True)):
            judged = {documents[column]: told[column].item() for column in torch.nonzero(~told.isnan())[:, 0]}
            assert judged == {pair: pair} | {row: row for row in brought & set(rows[pair])} and line == pair
        vectors = torch.randn(4 + len(documents), 8, generator=torch.Generator().manual_seed(step))
        for loss in (InfoNCE(), KL(), MarginMSE()):
            assert torch.isfinite(loss(vectors[:4], vectors[4:], batch.targets, torch.tensor(0.05)))
        seen |= brought
    assert seen == {20, 21, 22, 23, 24, 25}, "each is used in its turn"


def test_without_own_temperatures_there_is_no_such_target():
    assert make_batches(make_examples(0))[0].targets.own_temperature is None


def test_the_same_step_gives_the_same_batch():
    first, again = make_batches(make_examples(3))[2], make_batches(make_examples(3))[2]
    assert torch.equal(first.targets.mask, again.targets.mask) and np.array_equal(first.pairs, again.pairs)
    assert np.array_equal(first.documents.values, again.documents.values)


def test_a_pair_drawn_again_brings_other_negatives():
    examples = make_examples(1, pairs=4, draws=16)
    assert examples.repetitions.tolist() == [examples.order[:i].tolist().count(p) for i, p in enumerate(examples.order)]


def test_weights_are_cast_once_per_step_and_the_cast_ends_with_it():
    layer = torch.nn.Linear(4, 4)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        with cast_once("cpu"):
            assert torch.is_autocast_cache_enabled()
            assert layer(torch.ones(1, 4)).dtype is torch.bfloat16
        assert not torch.is_autocast_cache_enabled()
    with cast_once("cpu"):
        assert layer(torch.ones(1, 4)).dtype is torch.float32
