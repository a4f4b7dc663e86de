"""The command line: what goes wrong is one sentence and exit code 1, and ends no other job."""

import json
import math
import subprocess
import sys
from types import SimpleNamespace

import pytest
import tiny_domain
from composing import composed
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from tiny_models import bert

from shoptalk import launch
from shoptalk.configs import root
from shoptalk.errors import InputError
from shoptalk.experiment import train


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("launch")
    return folder, tiny_domain.write(folder / "domain"), bert(folder / "model")


def shell(ground, *overrides: str) -> subprocess.CompletedProcess:
    folder, domain, model = ground
    fixed = [
        "domain=beir", f"domain.path={domain}", "data=labels", "negatives=in_batch", f"model.name={model}",
        "logger=csv",
        "trainer=cpu", "trainer.pairs=64", "trainer.batch_size=32", "trainer.looks=1", "threads=1",
        f"cache.root={folder}/cache", f"hydra.run.dir={folder}/run", f"hydra.sweep.dir={folder}/sweep",
    ]  # fmt: skip
    flags = [word for word in overrides if word.startswith("-")]
    command = [sys.executable, str(root() / "train.py"), *flags, *fixed, *(w for w in overrides if w not in flags)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=240)


def one_sentence(result: subprocess.CompletedProcess, *words: str) -> None:
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert all(word in result.stdout + result.stderr for word in words), result.stderr


def test_a_run_prints_its_verdict(ground):
    result = shell(ground)
    assert result.returncode == 0, result.stderr
    assert "adapted" in result.stdout and "nDCG@10 over zero-shot" in result.stdout


def test_one_bad_job_does_not_end_the_others(ground):
    result = shell(ground, "-m", "temperature.value=0.05,-1")
    one_sentence(result, "temperature.value=-1")
    sweep = ground[0] / "sweep"
    assert "test" not in json.loads((sweep / "0" / "metrics.json").read_text())
    assert "temperature.value=-1" in (sweep / "1" / "error.txt").read_text()
    assert "failed" in result.stdout and "dev of" in result.stdout
    told = sweep / "0" / "metrics.json"
    before = told.stat().st_mtime_ns
    again = shell(ground, "-m", "temperature.value=0.05,-1")
    one_sentence(again, "temperature.value=-1", "0 is finished already")
    assert told.stat().st_mtime_ns == before and "dev of" in again.stdout


def test_only_the_same_options_count_as_finished(tmp_path):
    cfg = composed(tmp_path, f"run.dir={tmp_path}", "threads=null")
    assert launch.finished(cfg) is None
    elsewhere = composed(tmp_path, f"run.dir={tmp_path}", "threads=2")  # groups take it over
    stored = OmegaConf.create(OmegaConf.to_container(elsewhere, resolve=True))
    stored.trainer.precision = "32-true"  # as a run resolves it
    OmegaConf.save(stored, tmp_path / "config.yaml")
    assert launch.finished(cfg) is None
    (tmp_path / "metrics.json").write_text(json.dumps({"dev": {"adapted": {"ndcg@10": 0.5}}}))
    assert launch.finished(cfg) == 0.5
    for other in ("trainer.pairs=7", "seed=1", "negatives=random"):
        assert launch.finished(composed(tmp_path, f"run.dir={tmp_path}", other)) is None


def test_what_is_not_set_is_said_before_anything_starts(ground, tmp_path):
    cfg = composed(tmp_path, "domain=beir", "data=labels")
    with pytest.raises(InputError, match=r"^domain\.path is not set; give it, as in domain\.path=VALUE\.$"):
        train(cfg)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OmegaConfBaseException) as error:
        instantiate(cfg.domain)  # as the other commands do
    assert launch.sentence_of(error.value).startswith("domain.path is not set; give it")


def test_a_refused_run_leaves_no_folder_in_outputs_and_a_user_s_folder_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "root", lambda: tmp_path)
    folders = [tmp_path / "outputs" / "day" / name for name in ("refused", "begun")] + [tmp_path / "mine"]
    for folder in folders:
        (folder / ".hydra").mkdir(parents=True)
        (folder / "error.txt").touch()
    (folders[1] / "pairs.parquet").touch()
    for folder in folders:
        launch.clear(folder)
    assert [folder.exists() for folder in folders] == [False, True, True]


@pytest.mark.parametrize("mode, left", [(RunMode.RUN, False), (RunMode.MULTIRUN, True)])
def test_a_run_by_itself_that_is_refused_is_cleared_and_a_job_is_not(tmp_path, monkeypatch, mode, left):
    told = SimpleNamespace(mode=mode, runtime=SimpleNamespace(choices={}), sweep=SimpleNamespace(dir="day/sweep"))
    monkeypatch.setattr(launch, "root", lambda: tmp_path)
    monkeypatch.setattr(launch.HydraConfig, "get", lambda: told)
    cfg = composed(tmp_path / "outputs", "domain=beir", f"domain.path={tmp_path}/none", "threads=1")
    assert math.isnan(launch.job(cfg)) and launch.exit_code() == 1
    assert (tmp_path / "outputs" / "run" / "error.txt").exists() == (tmp_path / "outputs" / "run").exists() == left
    launch.forgive()


def test_a_run_that_fails_leaves_no_figures_of_an_earlier_one(tmp_path):
    cfg = composed(tmp_path, f"run.dir={tmp_path}", f"domain.path={tmp_path}/none", "domain=beir", "threads=1")
    OmegaConf.save(OmegaConf.create(OmegaConf.to_container(cfg, resolve=True)), tmp_path / "config.yaml")
    (tmp_path / "metrics.json").write_text(json.dumps({"dev": {"adapted": {"ndcg@10": 0.5}}}))
    assert launch.finished(cfg) == 0.5
    with pytest.raises(InputError):
        train(cfg)
    assert launch.finished(cfg) is None


@pytest.mark.parametrize(
    "overrides, words",
    [
        (["negatives=hardest"], ["hardest", "in_batch", "denoised"]),
        (["temprature=soft"], ["error: temprature is not an option; did you mean temperature?"]),
        (["+domian=beir"], ["error: domian is not an option; did you mean domain?"]),
        (["data=synthetic+labels"], ["labels+synthetic"]),
        (["domain.path=/nowhere"], ["/nowhere"]),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(ground, overrides, words):
    one_sentence(shell(ground, *overrides), *words)


@pytest.mark.parametrize(
    "overrides, words",
    [
        (["mixing.ratios.labels=-1"], ["mixing.ratios.labels"]),
        (["mixing.ratios.labels=0"], ["all 0"]),
        (["mixing.ratios.clicks=1"], ["clicks", "labels"]),
        (["temperature.value=0"], ["temperature.value=0"]),
        (["model.name=nobody/nothing"], ["nobody/nothing", "model=minilm"]),
        (["ckpt_path=nothing.ckpt"], ["ckpt_path=nothing.ckpt"]),
        (["trainer.batch_size=0"], ["trainer.batch_size=0"]),
        (["threads=0"], ["threads=0"]),
        (["data=clicks"], ["click log"]),
        (["data=pairs"], ["path"]),
        (["negatives=denoised", "teacher=none"], ["teacher=own"]),
    ],
)
def test_a_mistake_is_one_sentence(ground, tmp_path, overrides, words):
    _, domain, model = ground
    fixed = [
        "domain=beir",
        f"domain.path={domain}",
        "data=labels",
        "negatives=in_batch",
        f"model.name={model}",
        "trainer=cpu",
    ]
    with pytest.raises(Exception) as error:
        train(composed(tmp_path, *fixed, *overrides))
    sentence = launch.sentence_of(error.value)
    assert sentence and all(word in sentence for word in words), sentence
    assert "\n" not in sentence
