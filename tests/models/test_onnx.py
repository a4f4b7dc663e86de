"""An exported encoder gives the vectors of the one in torch, for any number of texts of any length."""

import subprocess
import sys

import numpy as np
import pytest
import tiny_models

from shoptalk.cache import Cache
from shoptalk.errors import InputError
from shoptalk.models import onnx
from shoptalk.models.encoder import Encoder
from shoptalk.models.exported import NETWORK, OnnxEncoder
from shoptalk.models.onnx import in_onnx, quantise, write_onnx

TEXTS = [*tiny_models.texts(30), "", "one", "ONE"]
MAKERS = {
    "bert": lambda folder: tiny_models.bert(folder, prompts={"query": "ask: "}, include_prompt=False),
    "cls": lambda folder: tiny_models.bert(folder, "cls", normalize=False),
    "gemma": tiny_models.gemma,
    "qwen": tiny_models.qwen,
    "xlm_roberta": tiny_models.xlm_roberta,
}


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"package onnxruntime: run pip install 'shoptalk\[onnx\]'"):
        OnnxEncoder(tmp_path)


def test_a_folder_without_a_network_is_refused(tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match=r"holds no model.onnx, so it is no encoder in ONNX"):
        OnnxEncoder(tmp_path)


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.slow) for name in MAKERS])
def written(request, tmp_path_factory):
    for package in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp(request.param)
    encoder = Encoder.load(str(MAKERS[request.param](folder)), max_length=40)
    return encoder, write_onnx(encoder, folder / "onnx")


@pytest.mark.parametrize("kind", ["query", "document"])
def test_vectors_agree_with_torch(written, kind):
    encoder, folder = written
    one = OnnxEncoder(folder)
    expected = encoder.embed(TEXTS, kind, precision="fp32")
    assert one.dimension == encoder.dimension
    for texts, rows in ((TEXTS, slice(None)), (TEXTS[:1], slice(1)), (TEXTS[5:8], slice(5, 8))):
        np.testing.assert_allclose(one.embed(texts, kind), expected[rows], atol=1e-5)
    assert one.embed([], kind).shape == (0, encoder.dimension)


def test_tokens_are_the_encoders_own(written):
    encoder, folder = written
    for kind in ("query", "document"):
        one, two = OnnxEncoder(folder).tokenize(TEXTS, kind), encoder.tokenize(TEXTS, kind)
        assert [line.tolist() for line in one] == [line.tolist() for line in two]
    assert max(map(len, one)) == 40


def test_int8_is_near_and_smaller(written, tmp_path):
    encoder, folder = written
    one, expected = OnnxEncoder(quantise(folder, tmp_path)), encoder.embed(TEXTS, "document", precision="fp32")
    cosines = (one.embed(TEXTS, "document") * expected).sum(1)
    assert cosines.min() > 0.97 and cosines.mean() < 1 - 1e-6
    assert (tmp_path / NETWORK).stat().st_size < (folder / NETWORK).stat().st_size


def test_progress_is_told(written):
    seen = []
    OnnxEncoder(written[1]).embed(TEXTS * 20, "document", progress=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (len(TEXTS) * 20, len(TEXTS) * 20) and seen == sorted(seen) and len(seen) > 3


def test_it_runs_without_torch(written):
    code = (
        "import sys; from shoptalk.models.exported import OnnxEncoder; from shoptalk.efficiency.codes import Full; "
        f"vectors = OnnxEncoder({str(written[1])!r}).embed(['ka', 'lo miru'], 'query'); "
        "Full(vectors).search(vectors, 2); print(sorted({'torch', 'transformers', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_is_exported_once_per_content(written, tmp_path, monkeypatch):
    encoder, _ = written
    cache = Cache(tmp_path)
    one, whole = in_onnx(encoder, cache, int8=True), in_onnx(encoder, cache, int8=False)
    monkeypatch.setattr(onnx, "write_onnx", None)
    again = in_onnx(encoder, cache, int8=True)
    assert one.digest == again.digest != whole.digest
    assert (one.embed(TEXTS, "query") == again.embed(TEXTS, "query")).all()
    one.save(tmp_path / "copy")
    assert (OnnxEncoder(tmp_path / "copy").embed(TEXTS, "query") == one.embed(TEXTS, "query")).all()
    assert not list((tmp_path / "onnx").glob(".making*"))
