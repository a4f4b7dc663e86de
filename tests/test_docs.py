"""What docs/ shows in code works."""

import re

import pytest
import tiny_domain
from composing import composed
from tiny_models import bert

import shoptalk
from shoptalk.configs import root

PAGE = (root() / "docs" / "from-sentence-transformers.md").read_text()


def block(kind):
    """The one block of code of this kind."""
    [found] = re.findall(rf"```python {kind}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model quickly trained; the folder ``manuals`` lies where the code runs."""
    tiny_domain.write(tmp_path / "manuals")
    monkeypatch.chdir(tmp_path)
    return bert(tmp_path / "model")


def test_ten_lines_of_shoptalk(model, tmp_path, monkeypatch, capsys):
    lines = [line for line in block("shoptalk").splitlines() if line.strip()]
    assert len(lines) <= 10
    real, quick = shoptalk.run, [
        f"model.name={model}", "trainer=cpu", "trainer.precision=32-true", "trainer.pairs=192", "trainer.batch_size=32",
        "logger=csv", "threads=1", f"cache.root={tmp_path}/cache", f"hydra.run.dir={tmp_path}/run",
        "run.progress=false",
    ]  # fmt: skip
    monkeypatch.setattr(shoptalk, "run", lambda *overrides: real(*overrides, *quick), raising=False)
    left = {}
    exec(block("shoptalk"), left)
    outcome = left["outcome"]
    told = capsys.readouterr().out
    assert f"{outcome.metrics['test']['adapted']['ndcg@10']}" in told and "rank" in told
    assert left["model"].dimension == outcome.encoder().dimension


@pytest.mark.parametrize("line", [line for line in PAGE.splitlines() if line.startswith("|") and '"' in line])
def test_what_one_may_say_instead_composes(tmp_path, line):
    said = re.findall(r'`"(.+?)"`', line)
    assert said and composed(tmp_path, *said).data.sources


@pytest.mark.slow
def test_the_script_it_stands_beside(model, tmp_path, capsys):
    script = block("sentence-transformers")
    # An untrained model finds all texts alike, so that a margin would leave nothing.
    for written, here in {
        "sentence-transformers/all-MiniLM-L6-v2": str(model), "num_train_epochs=1": "num_train_epochs=8",
        "learning_rate=2e-5": "learning_rate=5e-3, use_cpu=True", "relative_margin=0.05": "relative_margin=None",
    }.items():  # fmt: skip
        assert written in script
        script = script.replace(written, here)
    exec(script, {})
    before, after = (float(line) for line in capsys.readouterr().out.splitlines() if re.fullmatch(r"0?\.\d+", line))
    assert after > before and (tmp_path / "adapted" / "model" / "modules.json").is_file()
