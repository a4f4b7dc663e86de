"""What is sent to W&B, told by a stand-in for its API."""

import json
import os
import subprocess
import sys

import pytest
from finished_runs import HOSTILE, finished
from rich.console import Console
from wandb_server import wandb_server

from shoptalk.errors import InputError
from shoptalk.reporting.runs.sections import sections
from shoptalk.reporting.runs.told import read
from shoptalk.reporting.runs.wandb_report import WandbReport

KEY = "local-" + "0a1b2c3d4e" * 4


def command(*overrides, **environment):
    """``python -m shoptalk.report``, knowing no key but that of ``environment``."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    known |= {"PYTHONPATH": os.pathsep.join(sys.path), "NETRC": os.devnull, **environment}
    line = [sys.executable, "-m", "shoptalk.report", *overrides]
    return subprocess.run(line, env=known, capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Two runs, one of which W&B has, published: the folders, what the command said, what the server was sent."""
    pytest.importorskip("wandb_workspaces")
    folder = tmp_path_factory.mktemp("published")
    folders = [finished(folder / "a"), finished(folder / "b", 0.3, "second", notices=[HOSTILE])]
    (folders[0] / "wandb" / "run-20260101_000000-abc123").mkdir(parents=True)
    (folders[1] / "wandb" / "offline-run-20260101_000000-def456").mkdir(parents=True)
    with wandb_server() as (address, told):
        runs = f"runs=[{','.join(map(str, folders))}]"
        ended = command(runs, "publish=wandb", WANDB_BASE_URL=address, WANDB_API_KEY=KEY)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return folders, ended, told


def test_the_specification_holds_every_section_and_its_text(published):
    folders, _, told = published
    sent = told.specification
    assert (sent["entityName"], sent["projectName"], sent["type"]) == ("team", "shoptalk", "runs")
    under, texts = None, {}
    for block in json.loads(sent["spec"])["blocks"][:-1]:  # the last is an empty line
        if block["type"] == "heading":
            under = block["children"][0]["text"]
        elif under:
            texts.setdefault(under, []).append(block)
    wanted = sections(read(folders))
    assert list(texts) == [*(section.title for section in wanted), "Runs"]
    for section in wanted:
        for part, block in zip(section.parts, texts[section.title], strict=True):
            if isinstance(part, str):
                assert block["children"][0]["text"] == part
            elif hasattr(part, "rows"):
                assert block["content"].count("\n") == len(part.rows) + 1
            else:
                assert block["children"][0]["children"][0]["text"] == part.text
    assert "fridge hums" in str(texts["Queries"]) and "0.9044" in str(texts["Teacher"])


def test_panels_are_of_runs_that_were_sent_and_the_others_are_told(published):
    folders, ended, told = published
    [grid] = [json.dumps(b) for b in json.loads(told.specification["spec"])["blocks"] if b["type"] == "panel-grid"]
    assert "abc123" in grid and "def456" not in grid and "dev_pool/ndcg@10" in grid and "per_query" in grid
    offline = folders[1] / "wandb" / "offline-run-20260101_000000-def456"
    assert f"wandb sync {offline}" in ended.stdout and "/team/shoptalk/reports/" in ended.stdout


def test_no_key_is_in_what_is_sent_or_said_or_left(published):
    folders, ended, told = published
    assert told.received and not [body for body in told.received if KEY.encode() in body]
    assert KEY not in ended.stdout + ended.stderr
    left = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in left if KEY.encode() in path.read_bytes()]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("one") / "a")


def one_sentence(ended, *words):
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith("error: publish=wandb") and all(word in line for word in words), line


def test_without_a_key_it_says_so(one):
    pytest.importorskip("wandb_workspaces")
    one_sentence(command(f"runs=[{one}]", "publish=wandb"), "WANDB_API_KEY", "wandb login")


def test_where_nothing_answers_it_says_so(one):
    pytest.importorskip("wandb_workspaces")
    ended = command(f"runs=[{one}]", "publish=wandb", WANDB_BASE_URL="http://127.0.0.1:9", WANDB_API_KEY=KEY)
    one_sentence(ended, "127.0.0.1:9", "publish=page")


def test_a_server_that_refuses_is_quoted(one):
    pytest.importorskip("wandb_workspaces")
    with wandb_server() as (address, told):
        told.refuse = 401
        ended = command(f"runs=[{one}]", "publish=wandb", WANDB_BASE_URL=address, WANDB_API_KEY=KEY)
    one_sentence(ended, address, "401")


def test_without_the_package_it_says_what_to_install(one, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    with pytest.raises(InputError, match=r"pip install '\.\[reports\]'"):
        WandbReport()("title", [], read([one]), Console(quiet=True))


def test_without_publish_a_page_is_written(one, tmp_path):
    ended = command(f"runs=[{one}]", f"out={tmp_path}/page.html")
    assert ended.returncode == 0 and str(tmp_path / "page.html") in ended.stdout
    assert "On 80 dev queries" in (tmp_path / "page.html").read_text()
