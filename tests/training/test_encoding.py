"""However a batch is cut up, its loss and gradient are those of the whole."""

import numpy as np
import pytest
import tiny_models
import torch
from tiny_training import Bag, make_batches, make_examples, make_module

from shoptalk.errors import InputError
from shoptalk.losses import InfoNCE, Matryoshka
from shoptalk.models.encoder import Encoder
from shoptalk.models.ragged import Ragged
from shoptalk.training.encoding import Encoding


def found(encoder, batch, **options) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    module = make_module(encoder, 5, **options)
    module.zero_grad()
    loss = module._loss(batch)
    loss.backward()
    return loss.detach(), {n: p.grad.clone() for n, p in encoder.named_parameters() if p.grad is not None}


def assert_same(expected, result, relative=1e-5):
    assert torch.allclose(expected[0], result[0], rtol=relative)
    assert expected[1].keys() == result[1].keys()
    for name, gradient in expected[1].items():
        assert torch.linalg.norm(gradient - result[1][name]) <= relative * torch.linalg.norm(gradient) + 1e-9, name


@pytest.fixture
def bag():
    torch.manual_seed(0)
    return Bag(dropout=0.3).train()


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("chunk_tokens", [1, 25])
def test_chunks_change_neither_loss_nor_gradient(chunk_tokens, cached):
    torch.manual_seed(0)
    bag, batch = Bag(), make_batches(make_examples(5))[1]
    assert_same(found(bag, batch, chunk_tokens=10_000), found(bag, batch, chunk_tokens=chunk_tokens, cached=cached))


@pytest.mark.parametrize("loss", [InfoNCE(), InfoNCE(symmetric=True), Matryoshka(InfoNCE(), [8, 4, 2])])
def test_encoding_again_draws_the_same_dropout(bag, loss):
    batch = make_batches(make_examples(5))[1]
    torch.manual_seed(1)  # what was drawn elsewhere must not matter
    expected = found(bag, batch, loss=loss)
    torch.manual_seed(2)
    assert_same(expected, found(bag, batch, loss=loss, cached=True), relative=0)
    assert not torch.equal(expected[0], found(bag, batch, loss=loss, seed=1)[0]), "dropout was off"


@pytest.mark.parametrize("make", [tiny_models.bert, tiny_models.gemma, tiny_models.qwen, tiny_models.xlm_roberta])
def test_a_transformer_gives_the_same_gradient_in_two_passes(tmp_path, make):
    encoder = Encoder.load(str(make(tmp_path)), dropout=0.2).train()
    words = tiny_models.texts(40)
    batch = make_batches(make_examples(2))[0]
    batch = batch._replace(
        queries=encoder.tokenize(words[: len(batch.queries)], "query"),
        documents=encoder.tokenize(words[-len(batch.documents) :], "document"),
    )
    expected = found(encoder, batch, chunk_tokens=120)
    assert_same(expected, found(encoder, batch, chunk_tokens=120, cached=True))


def test_two_passes_keep_no_activations(bag):
    texts = make_batches(make_examples(5))[1].documents
    kept = {}
    for cached in (False, True):
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, to=saved: to.append(t.numel()) or t, lambda t: t):
            Encoding(bag, 30, cached, 0)(Ragged.of([[1]]), texts, 0)
        kept[cached] = sum(saved)
    assert kept[True] < kept[False] / 10


def test_the_plan_holds_every_text_once_and_parts_prompts():
    class Prompted(Bag):
        def prompt_length(self, kind):
            return {"query": 3, "document": 0}[kind]

    batch = make_batches(make_examples(5))[1]
    groups = Encoding(Prompted(), 30, False, 0).plan(batch.queries, batch.documents)
    rows = np.concatenate([group.rows for group in groups])
    assert sorted(rows) == list(range(len(batch.queries) + len(batch.documents)))
    assert all((group.rows < len(batch.queries)).all() == (group.prompt_length == 3) for group in groups)


class Full(Bag):
    """Has no room for more than ``room`` tokens at once; where ``late``, it finds out on the way back."""

    def __init__(self, late: bool):
        super().__init__()
        self.room, self.late = 10_000, late

    def forward(self, texts):
        vectors = super().forward(texts)
        if len(texts.values) > self.room:
            vectors.register_hook(_no_memory) if self.late else _no_memory()
        return vectors


def _no_memory(*_):
    raise torch.OutOfMemoryError("too many tokens")


@pytest.mark.parametrize("late", [False, True])
def test_memory_that_runs_out_halves_the_chunks_and_leaves_the_gradient(late):
    torch.manual_seed(0)
    full, batch = Full(late), make_batches(make_examples(5))[1]
    expected = found(full, batch, chunk_tokens=160)
    full.room = 60
    module = make_module(full, 5, chunk_tokens=160)
    module.log = lambda *_, **__: None
    module.zero_grad()
    loss = module.training_step(batch, 0)
    module.backward(loss)
    assert_same(expected, (loss.detach(), {name: weight.grad for name, weight in full.named_parameters()}))
    assert module.encoding.told() == {"chunk_tokens": 40, "gradient_cache": True, "halved": {"0": 40}}


def test_a_single_text_that_does_not_fit_is_told():
    encoding = Encoding(Bag(), 1, True, 0)
    with pytest.raises(InputError, match=r"step 7: lower model\.max_length"):
        encoding.halve(7)
