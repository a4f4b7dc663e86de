"""``torchrun train.py trainer=ddp``: two processes make one run."""

import json
import os
import subprocess
import sys

import pytest
import tiny_domain
from tiny_models import bert

from shoptalk.configs import root

FIXED = (
    "data=labels", "domain=beir", "negatives=ann", "trainer.accelerator=cpu", "trainer.precision=32-true",
    "trainer.batch_size=16", "trainer.learning_rate=5e-3", "trainer.pairs=640", "mixing.max_repeats=40", "threads=1",
    "logger=csv",
)  # fmt: skip


def run(folder, ground, *overrides, processes: int = 1, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    alone = [sys.executable]
    together = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [
        *(together if processes > 1 else alone),
        "train.py",
        *flags,
        *FIXED,
        *ground,
        f"run.dir={folder}",
        *overrides,
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=root(), env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torchrun")
    domain, model = tiny_domain.write(folder / "domain"), bert(folder / "model")
    return [f"domain.path={domain}", f"model.name={model}"]


@pytest.mark.slow
def test_two_processes_make_the_run_of_one(tmp_path, ground):
    told = {}
    for processes, strategy in ((1, "auto"), (2, "ddp")):
        folder = tmp_path / strategy
        # A cache of its own, so that the two make the base model's vectors together as well.
        ended = run(folder, ground, f"trainer={strategy}", f"cache.root={folder}-cache", processes=processes)
        assert ended.returncode == 0, ended.stderr[-3000:]
        assert ended.stdout.count("nDCG@10 ") >= 2
        assert (folder / "model" / "modules.json").is_file() and (folder / "report.html").is_file()
        told[strategy] = json.loads((folder / "metrics.json").read_text())
    assert ended.stdout.count("step 40 of 40") == 1, "only the first process talks"
    alone, together = (told[strategy]["test"] for strategy in ("auto", "ddp"))
    assert alone["adapted"]["ndcg@10"] > alone["zero_shot"]["ndcg@10"]
    for arm in ("zero_shot", "adapted"):
        assert together[arm]["ndcg@10"] == pytest.approx(alone[arm]["ndcg@10"], abs=0.01)


@pytest.mark.slow
def test_what_processes_cannot_do_together_is_told_in_a_sentence(tmp_path, ground):
    ended = run(
        tmp_path / "many", ground, f"cache.root={tmp_path}", "trainer=ddp", "seed=0,1", processes=2, flags=("-m",)
    )
    assert ended.returncode != 0 and "-m with several processes" in ended.stderr
    ended = run(tmp_path / "alone", ground, f"cache.root={tmp_path}", "trainer=ddp")
    assert ended.returncode == 1 and "torchrun --nproc-per-node=2 train.py trainer=ddp" in ended.stderr
    assert "Traceback" not in ended.stderr
