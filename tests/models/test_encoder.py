import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.errors import InputError
from shoptalk.models.encoder import Encoder

TEXTS = [*tiny_models.texts(60), "", "one", "ONE"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: getattr(tiny_models, name)(tmp_path_factory.mktemp(name)) for name in ("bert", "gemma", "qwen")}


@pytest.fixture(scope="module", params=["bert", "gemma", "qwen"])
def encoder(request, folders):
    return Encoder.load(str(folders[request.param]))


def test_a_vector_does_not_depend_on_its_company(encoder):
    together = encoder.embed(TEXTS, "query", precision="fp32", chunk_tokens=200)
    alone = np.concatenate([encoder.embed([text], "query", precision="fp32") for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_bf16_is_near_and_leaves_the_weights_alone(encoder):
    before = encoder.digest
    full, half = (encoder.embed(TEXTS, "document", precision=p) for p in ("fp32", "bf16"))
    assert half.dtype == np.float32 and 0.99 < (full * half).sum(1).mean() < 1.0
    assert encoder.digest == before and encoder.backbone.dtype == torch.float32


def test_embed_reports_progress_and_restores_the_mode(encoder):
    encoder.train()
    seen = []
    encoder.embed(TEXTS, "document", chunk_tokens=100, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(TEXTS), len(TEXTS)) and seen == sorted(seen) and len(seen) > 3
    assert encoder.training and encoder.backbone.training
    assert encoder.embed([], "query").shape == (0, encoder.dimension)


def test_forward_under_autocast_reaches_every_trainable_weight(encoder):
    encoder.train()
    encoder.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        vectors = encoder(*encoder.pad(encoder.tokenize(TEXTS[:6], "document")))
    vectors.float().square().mul(torch.arange(1, vectors.shape[1] + 1)).sum().backward()
    missing = [name for name, weight in encoder.named_parameters() if weight.requires_grad and weight.grad is None]
    assert not missing


def test_tokens_are_cut_at_the_maximum_length(folders):
    encoder = Encoder.load(str(folders["qwen"]), max_length=40)
    ids = encoder.tokenize(TEXTS, "query")
    assert max(map(len, ids)) == 40 and min(map(len, ids)) >= 1
    assert {line[-1] for line in ids} == {encoder.tokenizer.eos_token_id}
    with pytest.raises(InputError, match="between 1 and 64"):
        Encoder.load(str(folders["qwen"]), max_length=65)


def test_xlm_roberta_positions_bound_its_length(tmp_path):
    folder = tiny_models.xlm_roberta(tmp_path)
    encoder = Encoder.load(str(folder), max_length=65)
    long = " ".join(tiny_models.texts(5))
    assert len(encoder.tokenize([long], "document")[0]) == 65 and np.isfinite(encoder.embed([long], "document")).all()
    with pytest.raises(InputError, match="between 1 and 65"):
        Encoder.load(str(folder), max_length=66)


def test_prompts_of_the_caller_stand_before_the_models_own(folders):
    encoder = Encoder.load(str(folders["gemma"]), prompts={"query": "ask: "})
    own = Encoder.load(str(folders["gemma"]))
    plain = Encoder.load(str(folders["gemma"]), prompts={"query": "", "document": ""})
    as_text = plain.embed(["ask: kalo"], "query", precision="fp32")
    np.testing.assert_allclose(encoder.embed(["kalo"], "query", precision="fp32"), as_text, atol=1e-6)
    assert (encoder.embed(["kalo"], "document") == own.embed(["kalo"], "document")).all()
    assert len({e.digest for e in (encoder, own, plain)}) == len({e.token_digest for e in (encoder, own, plain)}) == 3


def test_the_digest_follows_the_weights_and_not_the_calls(folders):
    encoder = Encoder.load(str(folders["bert"]), dropout=0.1)
    before = encoder.digest
    encoder.embed(TEXTS, "query")
    assert encoder.digest == before == Encoder.load(str(folders["bert"])).digest
    assert Encoder.load(str(folders["bert"]), max_length=10).digest != before
    with torch.no_grad():
        next(encoder.backbone.encoder.parameters()).view(-1)[0] += 1e-3
    assert encoder.digest != before


def test_dropout_is_set_for_training_and_not_exported(folders, tmp_path):
    for probability in (0.0, 0.3):
        encoder = Encoder.load(str(folders["bert"]), dropout=probability).train()
        batch = encoder.pad(encoder.tokenize(TEXTS, "document"))
        assert torch.equal(encoder(*batch), encoder(*batch)) is (probability == 0)
        assert {m.p for m in encoder.modules() if isinstance(m, torch.nn.Dropout)} == {probability}
        encoder.save(tmp_path / "out")
        assert '"hidden_dropout_prob": 0.1' in (tmp_path / "out" / "config.json").read_text()
    with pytest.raises(InputError, match="dropout=1"):
        Encoder.load(str(folders["bert"]), dropout=1.0)


def test_an_end_of_sequence_token_is_appended_where_asked(tmp_path, folders):
    encoder = Encoder.load(str(folders["bert"]), append_eos=True, max_length=12)
    ids = encoder.tokenize(["ka", " ".join(TEXTS)], "document")
    end = encoder.tokenizer.eos_token_id
    assert ids[0].tolist()[-2:] == [end, end] and ids[1].tolist()[-2:] == [end, end] and len(ids[1]) == 12


def test_an_unknown_precision_is_refused(encoder):
    with pytest.raises(InputError, match="auto, bf16 or fp32"):
        encoder.embed(["ka"], "query", precision="int4")


@pytest.mark.parametrize("make", [tiny_models.qwen, tiny_models.bert])
def test_a_tokenizer_without_padding_pads_all_the_same(tmp_path, make):
    encoder = Encoder.load(str(make(tmp_path)))
    expected = encoder.embed(TEXTS, "document", precision="fp32")
    encoder.tokenizer.pad_token = None
    np.testing.assert_allclose(encoder.embed(TEXTS, "document", precision="fp32"), expected, atol=1e-6)
