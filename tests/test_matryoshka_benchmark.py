"""The comparison of cut and compressed vectors runs on folders of runs, and says what it cannot read."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_domain
import tiny_models
from benchmark_scripts import scripts
from omegaconf import OmegaConf

from shoptalk.errors import InputError
from shoptalk.models.encoder import Encoder
from shoptalk.retrieval.dense import search
from shoptalk.retrieval.metrics import per_query


@pytest.fixture(scope="module")
def script():
    with scripts("efficiency") as load:
        yield load("matryoshka")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_domain.write(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_models.bert(tmp_path_factory.mktemp("model"))


def run(folder: Path, data: Path, model: Path, **loss) -> Path:
    """A folder as a finished run leaves it."""
    folder.mkdir()
    (folder / "model").symlink_to(model)
    domain = {"_target_": "shoptalk.domain.beir.Beir", "path": str(data), "log": None}
    given = {"domain": domain, "loss": {"matryoshka": None, "spread_out": 0.0, **loss}}
    OmegaConf.save(OmegaConf.create(given), folder / "config.yaml")
    return folder


def asked(script, tmp_path, *words):
    places = ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "out"), "--threads", "1"]
    return script.options().parse_args([*map(str, words), *places])


def test_every_arm_is_told_and_judged(script, data, model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script, "set_threads", lambda asked: 1)
    folders = [run(tmp_path / str(seed), data, model, matryoshka=[32, 16], spread_out=0.1) for seed in (0, 1)]
    folders.append(run(tmp_path / "plain", data, model))
    script.main(asked(script, tmp_path, *folders, "--split", "test", "--dimensions", 32, 16, 64))
    told = json.loads((tmp_path / "out" / "matryoshka.json").read_text())
    assert list(told["arms"]) == ["matryoshka=[32,16] spread_out=0.1", "plain"]
    rows = {(row["dimensions"], row["index"]): row for row in told["arms"]["plain"]}
    assert set(rows) == {(size, precision) for size in (32, 16) for precision in script.PRECISIONS}
    assert rows[32, "fp32"]["mean"] == 0 and rows[32, "fp32"]["n"] == 60
    assert rows[16, "fp32"]["mean"] == pytest.approx(rows[16, "fp32"]["ndcg@10"] - rows[32, "fp32"]["ndcg@10"])
    encoder = Encoder.load(str(model))
    domain = script.instantiate(OmegaConf.load(folders[0] / "config.yaml").domain).load(None)
    judged = domain.splits["test"]
    vectors = encoder.embed(judged.texts, "query"), encoder.embed(domain.corpus.passages, "document")
    expected = per_query(search(*vectors, 10), list(domain.corpus.ids), judged)["ndcg@10"].mean()
    assert rows[32, "fp32"]["ndcg@10"] == pytest.approx(expected, abs=1e-3)
    assert "2 runs" in capsys.readouterr().out


def test_only_arms_trained_for_cuts_are_judged(script):
    rng = np.random.default_rng(0)
    whole = rng.random(400)
    forms = {(384, "fp32"): whole, (384, "int8"): whole - 0.02, (128, "fp32"): whole - 0.01}
    lost = script.losses(forms)
    checks = script.checks_of({"plain": lost, "matryoshka=[384,128]": lost})
    assert [(check.figure, check.met) for check in checks] == [(pytest.approx(2.0), False), (pytest.approx(1.0), True)]


def test_what_cannot_be_compared_is_said(script, data, model, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "set_threads", lambda asked: 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no config"):
        script.Trained.read(tmp_path / "empty")
    one, two = run(tmp_path / "a", data, model), run(tmp_path / "b", tmp_path, model)
    with pytest.raises(InputError, match="are of different domains"):
        script.main(asked(script, tmp_path, one, two))
    with pytest.raises(InputError, match="--split audit: the domain has"):
        script.main(asked(script, tmp_path, one))
