"""Sweeps by the command line on a domain small enough to learn in seconds."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time

import optuna
import pytest
import tiny_domain
from composing import CONF, composed
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from tiny_models import bert

from hydra_plugins.shoptalk_sweeper import StudySweeper
from shoptalk.configs import root
from shoptalk.studies.storage import opened
from shoptalk.sweeps.options import Options
from shoptalk.sweeps.sweep import Sweep

SWEEPS = sorted(path.stem for path in (root() / "sweeps").glob("*.yaml"))


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    return folder, tiny_domain.write(folder / "domain"), bert(folder / "model")


def command(ground, place: str, *overrides: str) -> list[str]:
    folder, domain, model = ground
    fixed = [
        "domain=beir", f"domain.path={domain}", "data=labels", "negatives=in_batch", f"model.name={model}",
        "logger=csv", "trainer=cpu", "trainer.pairs=64", "trainer.batch_size=16", "threads=1",
        f"cache.root={folder}/cache", f"hydra.sweep.dir={folder}/{place}", "hydra.sweeper.study=tried",
    ]  # fmt: skip
    named = {word.partition("=")[0] for word in overrides}
    kept = [word for word in fixed if word.partition("=")[0] not in named]
    return [sys.executable, str(root() / "train.py"), *kept, *(word for word in overrides if word[-1] != "=")]


def sweep(ground, place: str, *overrides: str) -> subprocess.CompletedProcess:
    return subprocess.run(command(ground, place, *overrides), capture_output=True, text=True, timeout=580)


def prepared(folder, *overrides: str) -> StudySweeper:
    """The sweeper as Hydra builds it, with a launcher that must not be reached."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"hydra.sweep.dir={folder}/sweep", *overrides], return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
    options = {name: value for name, value in config.hydra.sweeper.items() if name not in ("_target_", "_recursive_")}
    sweeper = StudySweeper(**options)
    sweeper.config, sweeper.loader, sweeper.launcher = config, loader, None
    return sweeper


def study(folder) -> optuna.Study:
    return optuna.load_study(study_name="tried", storage=opened(str(folder / "study.journal")))


@pytest.fixture(scope="module")
def swept(ground):
    """Three trials: one that cannot be, then two; the best and the default again with two seeds."""
    asked = ["sweeps=temperature", "hydra.sweeper.n_trials=3", "hydra.sweeper.closing_seeds=[0,1]",
             "temperature.value=choice(-1,0.02,0.3)", "trainer.learning_rate=2e-4",
             "hydra.sweeper.enqueue=[{temperature.value:-1}]"]  # fmt: skip
    return asked, sweep(ground, "first", *asked), ground[0] / "first"


def test_a_sweep_ends_at_its_total_and_one_bad_trial_ends_no_other(swept):
    _, result, folder = swept
    assert result.returncode == 0, result.stderr
    trials = study(folder).trials
    assert [t.state.name for t in trials] == ["FAIL"] + ["COMPLETE"] * 2
    assert "temperature.value=-1" in trials[0].user_attrs["error"]
    assert "1 failed" in result.stdout and "3 of 3" in result.stdout
    for trial in trials[1:]:
        metrics = json.loads((folder / str(trial.number) / "metrics.json").read_text())
        assert trial.value == metrics["dev"]["adapted"]["ndcg@10"] and "test" not in metrics
        assert len(trial.intermediate_values) == 4  # looks at dev, each told to the study


def test_the_best_and_the_default_are_read_on_test_with_every_seed(swept):
    _, result, folder = swept
    told = json.loads((folder / "closing.json").read_text())
    best = study(folder).best_trial
    for arm, means in (("best", told["best"]["means"]), ("default", told["default"]["means"])):
        for seed in ("0", "1"):
            metrics = json.loads((folder / "closing" / f"{arm}-{seed}" / "metrics.json").read_text())
            assert means[seed] == pytest.approx(metrics["test"]["adapted"]["ndcg@10"]) and metrics["seed"] == int(seed)
    difference = told["best"]["mean"] - told["default"]["mean"]
    assert told["difference"]["mean"] == pytest.approx(difference) and told["best"]["trial"] == best.number
    assert told["optimism"] == pytest.approx(best.value - told["best"]["mean"])
    assert "On test, mean of 2 seeds" in result.stdout and "Optimism" in result.stdout


def test_models_of_beaten_trials_are_deleted(swept):
    folder, best = swept[2], study(swept[2]).best_trial.number
    kept = {n for n in range(3) if (folder / str(n) / "model").exists()}
    assert kept == {best} and not list(folder.glob("[0-9]/checkpoints"))


def test_the_best_configuration_is_an_experiment_that_composes_to_the_trial(swept, tmp_path):
    _, result, folder = swept
    best = study(folder).best_trial
    (written,) = (folder / "experiment").glob("*.yaml")
    assert written.name == f"tried_{best.number}.yaml"
    line = next(line for line in result.stdout.splitlines() if line.strip().startswith("python train.py "))
    own = composed(tmp_path, *shlex.split(line)[2:])
    assert own.temperature.value == float(best.user_attrs["overrides"][0].partition("=")[2])
    assert own.trainer.pairs == 64 and own.trainer.looks == 4 and own.domain.path.endswith("domain")


@pytest.mark.slow
def test_the_same_command_finds_everything_done(ground, swept):
    asked, _, folder = swept
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("metrics.json")}
    again = sweep(ground, "first", *asked)
    assert again.returncode == 0 and "3 of 3 trials are finished already" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("metrics.json")} == before


@pytest.mark.parametrize(
    "asked, words",
    [
        ("++hydra.sweeper.params={temperature.valu:'choice(1,2)'}", "temperature.valu"),
        ("++hydra.sweeper.params={negatives:'choice(in_batch,nonsense)'}", "nonsense"),
        ("++hydra.sweeper.params={temperature.value:'choice()'}", "an empty choice"),
        ("++hydra.sweeper.params={temperature.value:'tag(log,interval(0,1))'}", "must start above 0"),
        ("++hydra.sweeper.when={temperature.value:'negatives=ann'}", "negatives is not searched"),
        ("++hydra.sweeper.objectives=null", "objectives is empty"),
        ("hydra.sweeper.study=null", "hydra.sweeper.study is not set"),
        ("++hydra.sweeper.objectives={dev.adapted.ndcg@10:up}", "must be maximize or minimize"),
        ("++hydra.sweeper.constraints={seconds.total:soon}", "must be like '<= 600'"),
        ("hydra.sweeper.n_trials=0", "n_trials=0 is not possible"),
        ("++hydra.sweeper.params={+domian:'choice(1,2)'}", "did you mean domain?"),
        ("+domian=beir", "did you mean domain?"),
        ("hydra.sweeper.study=null", "hydra.sweeper.study is not set"),
        ("+hydra.sweeper.trials=3", "trials is no option of the sweeper"),
    ],
)
def test_what_is_wrong_shows_before_any_trial(tmp_path, asked, words):
    with pytest.raises(SystemExit, match=r"^error: ") as caught:
        prepared(tmp_path, "sweeps=temperature", asked).sweep(["sweeps=temperature"])
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def mine(folder, text: str) -> str:
    """A sweep of one's own, ``sweeps=mine``; the option that has it found."""
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "mine.yaml").write_text(text)
    return f"hydra.searchpath=[file://{root()},file://{folder}]"


def test_the_readme_s_sweep_of_one_s_own_is_one(tmp_path):
    text = (root() / "README.md").read_text().split("saved as `sweeps/mine.yaml`")[1]
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    sweeper = prepared(tmp_path, mine(tmp_path, block), "sweeps=mine")
    assert sweeper.config.hydra.mode.name == "MULTIRUN"
    found = Sweep(Options(**sweeper.options), sweeper.config, sweeper.loader, None, ["sweeps=mine"])
    assert found.space.told() == ["negatives", "negatives.max_probability", "mixing.ratios"]


@pytest.mark.parametrize("head", ["", pytest.param("defaults:\n  - parts/study\n  - _self_\n", marks=pytest.mark.slow)])
def test_a_sweep_that_misses_its_first_line_is_refused(ground, tmp_path, head):
    found = mine(tmp_path, head + "hydra:\n  sweeper:\n    params: {negatives: 'choice(in_batch,ann)'}\n")
    line = [sys.executable, str(root() / "train.py"), "sweeps=mine", found, f"run.dir={tmp_path}/run",
            f"hydra.run.dir={tmp_path}/run"]  # fmt: skip
    result = subprocess.run(line, capture_output=True, text=True, timeout=240)
    assert result.returncode == 1 and result.stderr.startswith("error: The file that sweeps= names"), result.stderr
    assert "its first line must be '# @package _global_'." in result.stderr and result.stderr.count("\n") == 1


def test_hopeless_trials_are_stopped_early(ground):
    asked = ["sweeps=temperature", "hydra.sweeper.n_trials=2", "hydra.sweeper.closing_seeds=[]",
             "trainer.learning_rate=choice(1e-9,1e-3)", "temperature.value=0.05",
             "hydra/sweeper/sampler=grid", "hydra/sweeper/pruner=threshold",
             "hydra.sweeper.pruner.lower=0.999"]  # fmt: skip
    result = sweep(ground, "pruned", *asked)
    assert result.returncode == 1 and "None of 2 trials finished with figures" in result.stderr
    folder = ground[0] / "pruned"
    assert [t.state.name for t in study(folder).trials] == ["PRUNED"] * 2
    assert json.loads((folder / "0" / "pruned.json").read_text())["look"] == 1
    assert "2 pruned" in result.stdout and not (folder / "0" / "metrics.json").exists()


@pytest.mark.slow
def test_killed_trials_are_done_again_beside_what_they_left(ground):
    asked = ["sweeps=temperature", "hydra.sweeper.n_trials=3", "hydra.sweeper.closing_seeds=[]"]
    folder = ground[0] / "killed"
    for number in range(2):
        process = subprocess.Popen(command(ground, "killed", *asked), stdout=subprocess.DEVNULL)
        while not (folder / str(number) / "checkpoints" / "last.ckpt").exists():
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert sweep(ground, "killed", *asked).returncode == 0
    assert [t.state.name for t in study(folder).trials] == ["COMPLETE"] * 3
    assert (folder / "0.stopped-1").exists() or (folder / "1.stopped-1").exists()


@pytest.mark.slow
def test_an_interrupted_sweep_gives_its_trial_back(ground):
    asked = ["sweeps=temperature", "hydra.sweeper.n_trials=2", "hydra.sweeper.closing_seeds=[]"]
    folder = ground[0] / "stopped"
    process = subprocess.Popen(command(ground, "stopped", *asked), stderr=subprocess.PIPE, text=True)
    while not (folder / "0" / "checkpoints" / "last.ckpt").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert [t.state.name for t in study(folder).trials] == ["WAITING"]
    assert sweep(ground, "stopped", *asked).returncode == 0
    assert [t.state.name for t in study(folder).trials] == ["COMPLETE"] * 2


@pytest.mark.slow
def test_four_workers_on_one_study_and_one_cache(ground):
    asked = ["sweeps=temperature", "hydra.sweeper.n_trials=60", "hydra.sweeper.workers=4", "trainer.pairs=32",
             "hydra.sweeper.closing_seeds=[]", "trainer.batch_size=8"]  # fmt: skip
    result = sweep(ground, "workers", *asked)
    assert result.returncode == 0, result.stderr
    trials = study(ground[0] / "workers").trials
    assert len(trials) == 60 and {t.state.name for t in trials} <= {"COMPLETE", "PRUNED"}
    assert len({tuple(t.user_attrs["overrides"]) for t in trials}) == 60
    assert not list((ground[0] / "cache").rglob(".making-*"))


@pytest.mark.slow
def test_every_point_of_a_front_comes_again_from_its_experiment(ground):
    asked = ["sweeps=temperature", "hydra.sweeper.n_trials=4", "hydra.sweeper.closing_seeds=[]",
             "hydra/sweeper/pruner=none", "++hydra.sweeper.objectives={steps:minimize}",
             "trainer.pairs=choice(16,32,64,128)", "hydra/sweeper/sampler=random"]  # fmt: skip
    result = sweep(ground, "front", *asked)
    assert result.returncode == 0, result.stderr
    folder = ground[0] / "front"
    front = study(folder).best_trials
    written = {path.stem: path for path in (folder / "experiment").glob("*.yaml")}
    assert sorted(written) == sorted(f"tried_{trial.number}" for trial in front)
    page = (folder / "sweep.html").read_text()
    assert "Pareto" in page and all(f">Trial {trial.number}</a>" in page for trial in front)
    for trial in front:
        again = ground[0] / "again" / str(trial.number)
        subprocess.run(
            [sys.executable, str(root() / "train.py"), f"experiment=tried_{trial.number}", f"run.dir={again}",
             f"hydra.searchpath=[file://{root()},file://{folder}]", f"cache.root={ground[0]}/cache", "logger=csv"],
            check=True, capture_output=True,
        )  # fmt: skip
        metrics = json.loads((again / "metrics.json").read_text())
        assert [metrics["dev"]["adapted"]["ndcg@10"], metrics["steps"]] == trial.values


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_every_shipped_sweep_runs_two_trials(ground, name):
    result = sweep(ground, name, f"sweeps={name}", "hydra.sweeper.n_trials=2", "hydra.sweeper.enqueue=[]",
                   "hydra.sweeper.closing_seeds=[0]", "trainer.documents=300", "domain=", "domain.path=", "negatives=",
                   "data=")  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(study(ground[0] / name).trials) == 2
