import json

import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.errors import InputError
from shoptalk.models.cross_encoder import CrossEncoder
from shoptalk.models.encoder import Encoder

QUERIES = [text for text in tiny_models.texts(15, longest=5) for _ in range(4)]
DOCUMENTS = tiny_models.texts(60, longest=12, seed=3)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    kinds = {"bert": tiny_models.bert, "xlm_roberta": tiny_models.xlm_roberta, "qwen": tiny_models.qwen}
    return {name: Encoder.load(str(make(tmp_path_factory.mktemp(name)))) for name, make in kinds.items()}


SHORT = [" ".join(text.split()[:3]) for text in DOCUMENTS]


@pytest.mark.parametrize("kind", ["bert", "xlm_roberta", "qwen"])
@pytest.mark.parametrize("activation", ["Identity", "Sigmoid"])
def test_a_hub_model_gives_the_raw_logits_of_sentence_transformers(tmp_path, kind, activation):
    from sentence_transformers import CrossEncoder as Theirs

    told = {"activation_fn": f"torch.nn.modules.activation.{activation}", "version": "6.0.0"}
    told["activation_fn"] = told["activation_fn"].replace("activation.Identity", "linear.Identity")
    folder = tiny_models.classifier(tmp_path, kind=kind, sentence_transformers=told)
    ours = CrossEncoder.load(str(folder))
    theirs = Theirs(str(folder), device="cpu")
    assert type(theirs.activation_fn).__name__ == activation
    theirs.activation_fn = torch.nn.Identity()
    expected = theirs.predict(list(zip(QUERIES, SHORT, strict=True)))
    np.testing.assert_allclose(ours.score(QUERIES, SHORT, precision="fp32"), expected, atol=1e-4)
    assert np.std(expected) > 0.01


def test_two_outputs_give_the_logit_of_their_softmax(tmp_path):
    from sentence_transformers import CrossEncoder as Theirs

    folder = tiny_models.classifier(tmp_path, labels=2)
    theirs = Theirs(str(folder), device="cpu").predict(list(zip(QUERIES, SHORT, strict=True)), apply_softmax=True)
    ours = CrossEncoder.load(str(folder)).score(QUERIES, SHORT, precision="fp32")
    np.testing.assert_allclose(1 / (1 + np.exp(-ours)), theirs[:, 1], atol=1e-5)
    assert np.std(ours) > 0.01


@pytest.mark.parametrize("labels", [0, 3])
def test_anything_but_one_or_two_outputs_is_refused(tmp_path, labels):
    folder = tiny_models.classifier(tmp_path)
    path = folder / "config.json"
    names = {str(i): f"LABEL_{i}" for i in range(labels)}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"id2label": names, "num_labels": labels}))
    with pytest.raises(InputError, match=f"gives {labels} outputs where one .* or two .* choose another model"):
        CrossEncoder.load(str(folder))


def test_a_decoder_is_told_the_padding_that_its_configuration_leaves_out(tmp_path):
    folder = tiny_models.classifier(tmp_path, kind="qwen")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pad_token_id": None}))
    cross = CrossEncoder.load(str(folder))
    together = cross.score(QUERIES, SHORT, precision="fp32")
    alone = [cross.score([q], [d], precision="fp32")[0] for q, d in zip(QUERIES, SHORT, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_teacher_that_cannot_be_had_is_called_by_its_own_option(tmp_path):
    with pytest.raises(InputError, match=r"^teacher\.name=\./nowhere: there is no such folder"):
        CrossEncoder.load("./nowhere")
    with pytest.raises(InputError, match=r"^teacher\.max_length=9999"):
        CrossEncoder.load(str(tiny_models.classifier(tmp_path)), max_length=9999)


def test_a_model_without_a_head_is_refused(tmp_path):
    tiny_models.bert(tmp_path)
    with pytest.raises(InputError, match="no classification head"):
        CrossEncoder.load(str(tmp_path / "plain"))


@pytest.mark.parametrize("name", ["bert", "xlm_roberta", "qwen"])
def test_pairs_are_coded_as_the_tokenizer_codes_them(encoders, name):
    cross = CrossEncoder.from_encoder(encoders[name], max_length=64)
    coded = cross.tokenizer(QUERIES, DOCUMENTS, return_token_type_ids=True)
    fitting = [row for row, ids in enumerate(coded["input_ids"]) if len(ids) <= 64]
    assert len(fitting) > 20
    ids, mask, types = cross.pad(cross.tokenize(QUERIES, DOCUMENTS))
    for row in fitting:
        assert ids[row][mask[row] == 1].tolist() == coded["input_ids"][row]
        if cross.segments:
            assert types[row][mask[row] == 1].tolist() == coded["token_type_ids"][row]
        else:
            document = cross.tokenizer(DOCUMENTS[row], add_special_tokens=False)["input_ids"]
            second = ids[row][types[row] == 1].tolist()
            assert second[: len(document)] == document and len(second) <= len(document) + 1


def test_a_long_pair_loses_the_end_of_its_document(encoders):
    cross = CrossEncoder.from_encoder(encoders["bert"], max_length=24)
    long, query = " ".join(DOCUMENTS), QUERIES[0]
    alone = cross.tokenizer(query, add_special_tokens=False)["input_ids"]
    [ids] = cross.tokenize([query], [long])
    assert len(ids) == 24 and ids[1 : 1 + min(len(alone), 10)].tolist() == alone[:10]
    [both] = cross.tokenize([long], [long])
    assert len(both) == 24
    [brief] = cross.tokenize([long], ["ka"])
    assert len(brief) == 24


@pytest.mark.parametrize("name", ["bert", "qwen"])
def test_scores_do_not_depend_on_company_or_order(encoders, name):
    cross = CrossEncoder.from_encoder(encoders[name], seed=3)
    together = cross.score(QUERIES, DOCUMENTS, precision="fp32", chunk_tokens=150)
    alone = [cross.score([q], [d], precision="fp32")[0] for q, d in zip(QUERIES, DOCUMENTS, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    half = cross.score(QUERIES, DOCUMENTS, precision="bf16")
    assert half.dtype == np.float32 and np.abs(half - together).max() < 0.05 * np.abs(together).max()
    assert cross.score([], []).shape == (0,)


@pytest.mark.parametrize("preferred", ["fp32", "bf16"])
def test_scoring_goes_from_long_to_short_in_the_precision_of_the_hardware(encoders, monkeypatch, preferred):
    cross = CrossEncoder.from_encoder(encoders["bert"], seed=3)
    monkeypatch.setattr("shoptalk.models.precision.preferred_precision", lambda device=None: preferred)
    chunks, pad = [], CrossEncoder.pad
    monkeypatch.setattr(CrossEncoder, "pad", lambda self, ids: chunks.append(ids.lengths) or pad(self, ids))
    scores = cross.score(QUERIES, DOCUMENTS, chunk_tokens=200)
    assert len(chunks) > 3 and (np.diff(np.concatenate(chunks)) <= 0).all()
    assert (scores == cross.score(QUERIES, DOCUMENTS, precision=preferred, chunk_tokens=200)).all()
    other = "bf16" if preferred == "fp32" else "fp32"
    assert (scores != cross.score(QUERIES, DOCUMENTS, precision=other, chunk_tokens=200)).any()


def test_the_head_is_drawn_from_the_seed_and_the_encoder_is_left_alone(encoders):
    encoder, before = encoders["bert"], encoders["bert"].digest
    first, again, other = (CrossEncoder.from_encoder(encoder, seed=s) for s in (0, 0, 1))
    assert first.digest == again.digest != other.digest
    optimizer = torch.optim.SGD(first.parameters(), lr=0.1)
    first(*first.pad(first.tokenize(QUERIES, DOCUMENTS))).sum().backward()
    optimizer.step()
    assert encoder.digest == before and first.digest != again.digest


def test_layers_are_kept_from_the_bottom(encoders):
    cross = CrossEncoder.from_encoder(encoders["bert"], layers=1)
    backbone = cross.scorer.backbone
    assert len(backbone.encoder.layer) == 1 == backbone.config.num_hidden_layers
    assert len(encoders["bert"].backbone.encoder.layer) == 2
    assert np.isfinite(cross.score(QUERIES, DOCUMENTS)).all()
    with pytest.raises(InputError, match="choose between 1 and 2"):
        CrossEncoder.from_encoder(encoders["bert"], layers=3)


def test_weights_are_saved_and_restored(encoders, tmp_path):
    first, other = (CrossEncoder.from_encoder(encoders["bert"], seed=s) for s in (0, 1))
    first.save(tmp_path / "teacher")
    assert other.restore(tmp_path / "teacher").digest == first.digest
    assert (other.score(QUERIES, DOCUMENTS) == first.score(QUERIES, DOCUMENTS)).all()


def test_it_learns_to_tell_matching_pairs(encoders):
    cross = CrossEncoder.from_encoder(encoders["bert"], seed=0)
    queries, documents = QUERIES[:8] + QUERIES[:8], QUERIES[:8] + DOCUMENTS[:8]
    target = torch.tensor([1.0] * 8 + [0.0] * 8)
    batch = cross.pad(cross.tokenize(queries, documents))
    optimizer = torch.optim.AdamW(cross.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(cross(*batch), target).backward()
        optimizer.step()
    scores = cross.score(queries, documents, precision="fp32")
    assert scores[:8].min() > scores[8:].max()
