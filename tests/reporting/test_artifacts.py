"""What W&B is told of domain, pairs and model."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from finished_runs import finished

from shoptalk.cache import digest_file
from shoptalk.errors import InputError
from shoptalk.reporting.artifacts import HOLD, keeping, pieces

SECRET = "why is my fridge on fire"


@pytest.fixture
def folder(tmp_path):
    place = finished(tmp_path / "run")
    pl.DataFrame({"query": [SECRET], "doc_id": ["d1"]}).write_parquet(place / "pairs.parquet")
    (place / "model" / "1_Pooling").mkdir(parents=True)
    (place / "model" / "model.safetensors").write_bytes(b"weights")
    (place / "model" / "1_Pooling" / "config.json").write_text("{}")
    return place


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def kept(folder, hold, offline):
    """Kind to how it was handed over and the artifact."""
    found = {}
    run = SimpleNamespace(
        offline=offline,
        log_artifact=lambda artifact: found.update({artifact.type: ("logged", artifact)}),
        use_artifact=lambda artifact: found.update({artifact.type: ("used", artifact)}),
    )
    keeping(hold)(run, folder, metrics(folder))
    return found


@pytest.mark.parametrize("hold, files", [("metadata", set()), ("files", {"pairs.parquet", "model.safetensors"})])
def test_nothing_but_metadata_is_held_unless_asked(folder, hold, files):
    found = kept(folder, hold, offline=True)
    assert list(found) == ["domain", "pairs", "model"]
    local = {entry.local_path for _, made in found.values() for entry in made.manifest.entries.values()} - {None}
    assert {Path(path).name for path in local} - {"config.json"} == files
    assert all(Path(path).is_relative_to(folder) for path in local)  # no copy is made
    assert SECRET not in str([made.metadata for _, made in found.values()])
    assert kept(folder, "none", offline=True) == {}


def test_each_names_what_it_was_made_from_and_online_was_used_for_the_model(folder):
    domain, pairs, model = pieces(folder, metrics(folder))
    assert domain["metadata"]["made_from"] == []
    assert pairs["metadata"]["made_from"] == ["domain-manuals@abc"]
    assert model["metadata"]["made_from"][1] == f"pairs-manuals@{digest_file(folder / 'pairs.parquet')}"
    assert model["metadata"]["scores"]["dev"] == metrics(folder)["dev"]["adapted"]
    assert {kind: how for kind, (how, _) in kept(folder, "metadata", offline=False).items()} == {
        "domain": "used", "pairs": "used", "model": "logged",
    }  # fmt: skip


def test_another_content_is_another_version(folder):
    first = kept(folder, "metadata", offline=True)
    (folder / "model" / "model.safetensors").write_bytes(b"others")
    second = kept(folder, "metadata", offline=True)
    same = {kind: first[kind][1].digest == second[kind][1].digest for kind in first}
    assert same == {"domain": True, "pairs": True, "model": False}


def test_a_server_that_refuses_ends_no_training(folder):
    def refuse(artifact):
        raise ValueError("no space left")

    logged = []
    run = SimpleNamespace(offline=False, log_artifact=logged.append, use_artifact=refuse)
    with pytest.warns(UserWarning, match="no space left"):
        HOLD["metadata"](run, folder, metrics(folder))
    assert [artifact.type for artifact in logged] == ["model"]


def test_an_unknown_choice_names_the_others():
    with pytest.raises(InputError, match=r"logger\.artifacts=all .* metadata, files, none"):
        keeping("all")


OFFLINE = """
import json, sys
from pathlib import Path
import polars as pl
from mined_by_hand import some, told
from shoptalk.reporting.tracking import Wandb

folder = Path(sys.argv[1])
tracker = Wandb("project")
tracker.start(folder, "name", {"run": {"group": "claims/negatives"}})
tracker.finish(json.loads((folder / "metrics.json").read_text()), pl.read_parquet(folder / "per_query.parquet"),
               told(some()))
"""


@pytest.mark.slow
def test_an_offline_run_holds_group_tables_and_artifacts_and_no_key(folder):
    from wandb_file import records

    key = "local-" + "0a1b2c3d4e" * 4
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "WANDB_API_KEY": key}
    command = [sys.executable, "-c", OFFLINE, str(folder)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = records(folder)
    [run] = [record.run for record in found if record.WhichOneof("record_type") == "run"]
    assert (run.run_group, run.display_name, run.project) == ("claims/negatives", "name", "project")
    artifacts = {record.artifact.type: record.artifact for record in found if record.HasField("artifact")}
    assert artifacts["model"].name == "model-manuals"
    assert json.loads(artifacts["pairs"].metadata)["made_from"] == ["domain-manuals@abc"]
    tables = {path.name.split("_")[0] for path in folder.rglob("*.table.json")}
    assert {"per", "slices", "counts", "sample"} <= tables
    left = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in left if key.encode() in path.read_bytes()] and key not in ended.stdout + ended.stderr
