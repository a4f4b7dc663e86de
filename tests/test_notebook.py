"""``from shoptalk import run``: the command line's run, from within Python."""

import asyncio
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tiny_domain
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from tiny_models import bert

import shoptalk
from shoptalk import launch
from shoptalk.configs import root
from shoptalk.errors import InputError
from shoptalk.training.module import BiEncoder


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    domain, model = tiny_domain.write(folder / "domain"), bert(folder / "model")

    def named(name, *more):
        return [
            "domain=beir", f"domain.path={domain}", "data=labels", "negatives=random", f"model.name={model}",
            "logger=csv", "trainer=cpu", "trainer.precision=32-true", "trainer.pairs=192", "trainer.batch_size=32",
            "trainer.looks=2", "threads=1", f"cache.root={folder}/cache", f"hydra.run.dir={folder}/{name}", *more,
        ]  # fmt: skip

    return named


@pytest.fixture(scope="module")
def outcome(options):
    return shoptalk.run(*options("first"))


def figures(metrics):
    return {name: value for name, value in metrics.items() if name != "seconds"}


def test_it_gives_the_figures_of_the_command_line(options, outcome):
    command = [sys.executable, str(root() / "train.py"), *options("shell")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(command, env=environment, capture_output=True, timeout=900).returncode == 0
    shell = outcome.folder.parent / "shell"
    assert figures(json.loads((shell / "metrics.json").read_text())) == figures(outcome.metrics)
    ours, theirs = (OmegaConf.load(place / "config.yaml") for place in (outcome.folder, shell))
    ours.run.dir = theirs.run.dir
    assert ours == theirs
    assert {path.name for path in (outcome.folder / ".hydra").iterdir()} == {
        path.name for path in (shell / ".hydra").iterdir()
    }


def test_the_outcome_has_tables_and_a_model(outcome):
    assert outcome.pairs["times_drawn"].sum() == 192 and outcome.negatives.columns[:3] == [
        "query",
        "doc_id",
        "negatives",
    ]
    test = outcome.per_query.filter(split="test", arm="adapted")
    assert test["ndcg@10"].mean() == pytest.approx(outcome.metrics["test"]["adapted"]["ndcg@10"])
    query = test["query"][0]
    found = outcome.search(query, k=5)
    assert found["rank"].to_list() == [1, 2, 3, 4, 5] and found["score"].is_sorted(descending=True)
    corpus = dict(zip(outcome.corpus.ids, outcome.corpus.passages, strict=True))
    encoder = outcome.encoder()
    documents = encoder.embed([corpus[name] for name in found["doc_id"]], "document", precision="fp32")
    scores = documents @ encoder.embed([query], "query", precision="fp32")[0]
    assert np.allclose(scores, found["score"].to_numpy(), atol=2e-2)
    assert outcome.search(query, k=1000).height == len(corpus)


def test_the_outcome_says_itself_in_a_line(outcome):
    test, gain = outcome.metrics["test"], outcome.metrics["gain"]["test"]
    told = repr(outcome)
    assert told.startswith(f"Outcome({outcome.folder}, domain, test nDCG@10: bm25 {test['bm25']['ndcg@10']:.3f}, ")
    assert told.endswith(f"{gain['zero_shot']['ndcg@10']:+.3f} over zero_shot)") or " over zero_shot, " in told
    assert f"adapted {test['adapted']['ndcg@10']:.3f}; " in told and len(told) < len(str(outcome.folder)) + 150


def test_it_runs_again_and_leaves_the_users_hydra_alone(options, outcome, tmp_path):
    from hydra import compose, initialize_config_dir

    (tmp_path / "mine.yaml").write_text("a: 1\n")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        again = shoptalk.run(*options("again"))
        assert compose("mine") == {"a": 1}
    assert figures(again.metrics) == figures(outcome.metrics) and again.folder != outcome.folder
    assert not GlobalHydra.instance().is_initialized() and not HydraConfig.initialized()


def test_it_runs_where_an_event_loop_does(options):
    async def cell():
        return shoptalk.run(*options("loop", "trainer.pairs=64"))

    assert asyncio.run(cell()).metrics["steps"] == 2


@pytest.mark.parametrize(
    "overrides, words",
    [
        (["data=synthetic+labels"], ["labels+synthetic"]),
        (["negatives=hardest"], ["hardest", "in_batch"]),
        (["temprature=soft"], ["temprature"]),
        (["sweeps=mixture"], ["python train.py"]),
        (["seed=1,2"], ["seed"]),
        (["domian=beir"], ["did you mean domain?"]),
        (["+domian=beir"], ["did you mean domain?"]),
        (["experiment=null"], ["group override"]),
        ([{"seed": 1}], ["run('data=labels')"]),
        (["temperature.value=-1"], ["temperature.value=-1"]),
    ],
)
def test_a_mistake_is_one_sentence(options, overrides, words):
    with pytest.raises(InputError) as error:
        shoptalk.run(*options("wrong"), *overrides)
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value), error.value
    assert launch.exit_code() == 0


def test_ctrl_c_says_how_to_go_on(options, outcome, monkeypatch):
    import signal

    original = BiEncoder.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt, match="ckpt_path=") as stop:
        patched.setattr(BiEncoder, "training_step", interrupted)
        shoptalk.run(*options("cut"))
    told = (outcome.folder.parent / "cut" / "error.txt").read_text().strip()
    assert told == str(stop.value)
    resumed = shoptalk.run(*options("resumed"), f"ckpt_path={told.split('ckpt_path=')[1]}")
    assert figures(resumed.metrics) == figures(outcome.metrics)


def test_ctrl_c_before_training_is_told_too(options, monkeypatch):
    def stopped(cfg):
        raise KeyboardInterrupt

    monkeypatch.setattr("shoptalk.experiment.train", stopped)
    with pytest.raises(KeyboardInterrupt, match="run the same command again"):
        shoptalk.run(*options("early"))


LIGHT = """
import sys
import shoptalk
assert not {"torch", "hydra", "polars", "wandb"} & set(sys.modules), sorted(sys.modules)
from shoptalk import run
assert callable(run) and "torch" not in sys.modules
"""


def test_importing_it_is_light_and_run_stays_what_it_is():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", LIGHT], env=environment, check=True, timeout=240)
    assert find_spec("shoptalk.run") is None  # a module of that name would take its place once imported
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        shoptalk.walk  # noqa: B018


def test_a_run_belongs_to_its_experiment_or_its_multirun():
    from types import SimpleNamespace

    from hydra.types import RunMode

    def hydra(mode, **choices):
        folder = SimpleNamespace(dir="/x/outputs/multirun/2026-01-02/03-04-05")
        return SimpleNamespace(mode=mode, sweep=folder, runtime=SimpleNamespace(choices=choices))

    assert launch.group(hydra(RunMode.RUN)) is None
    assert launch.group(hydra(RunMode.RUN, experiment="oracle")) == "oracle"
    assert launch.group(hydra(RunMode.MULTIRUN, experiment=None)) == "2026-01-02/03-04-05"
    assert launch.group(hydra(RunMode.MULTIRUN, experiment="claims/negatives")) == "claims/negatives"


@pytest.mark.slow
def test_a_planted_key_is_in_no_file(options, monkeypatch):
    from rich.console import Console

    from shoptalk.reporting.runs.page import Page
    from shoptalk.reporting.runs.sections import sections
    from shoptalk.reporting.runs.told import read

    key = "local-" + "0a1b2c3d4e" * 4
    monkeypatch.setenv("WANDB_API_KEY", key)
    found = shoptalk.run(*options("tracked", "logger=wandb_offline", "run.group=team"))
    runs = read([found.folder])
    Page(str(found.folder / "page.html"))("title", sections(runs), runs, Console(quiet=True))
    assert runs[0].offline and runs[0].sent == []
    left = [path for path in found.folder.rglob("*") if path.is_file()]
    assert {".wandb", ".html", ".yaml", ".json", ".parquet"} <= {path.suffix for path in left}
    assert not [path for path in left if key.encode() in Path(path).read_bytes()]
