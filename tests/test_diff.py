import json
import os
import subprocess
import sys
from io import StringIO

import polars as pl
import pytest
from html_page import Page
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from rich.console import Console
from told_metrics import ranked, table

from shoptalk.configs import root
from shoptalk.diff import diff, named
from shoptalk.differing import EXAMPLES, differences
from shoptalk.errors import InputError
from shoptalk.reporting import differences as told

HOSTILE = "</script><script>alert(1)</script>"


def run(folder, lift, pairs, splits=("dev", "test"), query=None, **config):
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps({"run": folder.name, "corpus": "shop"}))
    options = {"seed": 0, "run": {"dir": str(folder)}, "negatives": {"low": 0, "pick": {"k": 1}}} | config
    OmegaConf.save(OmegaConf.create(options), folder / "config.yaml")
    per_query = pl.concat(table(lift, split=split) for split in splits)
    if query:
        per_query = per_query.with_columns(query=pl.lit(query))
    per_query.write_parquet(folder / "per_query.parquet")
    ranked(per_query).write_parquet(folder / "ranked.parquet")
    columns = {"source": pl.String, "query": pl.String, "doc_id": pl.String, "times_drawn": pl.Int64}
    pl.DataFrame(pairs, schema=columns, orient="row").write_parquet(folder / "pairs.parquet")
    return folder


@pytest.fixture
def runs(tmp_path):
    shared = [("clicks", f"q{i}", "d0", 1) for i in range(5)]
    first = run(tmp_path / "one", 0.05, [*shared, ("clicks", "gone", "d1", 4), ("labels", "l", "d2", 1)])
    more = [("clicks", f"new{i:02}", "d3", i) for i in range(30)]
    return first, run(tmp_path / "two", 0.2, [*shared, *more], seed=1, negatives={"low": 5, "pick": {"k": 1}})


def test_queries_options_and_pairs_that_differ_are_found(runs):
    found = differences(*runs, "dev")
    expected = table(0.2).filter(arm="adapted")["ndcg@10"] - table(0.05).filter(arm="adapted")["ndcg@10"]
    assert found.difference.mean == pytest.approx(expected.mean()) and found.difference.verdict == "better"
    assert found.queries["change"].to_list() == pytest.approx(sorted(expected))
    assert found.config == {"seed": ("0", "1"), "negatives.low": ("0", "5")}
    assert found.pairs == {
        "clicks": {"both": 5, "first": 1, "second": 30}, "labels": {"both": 0, "first": 1, "second": 0},
    }  # fmt: skip
    [most, *_] = [row for row in found.examples if row[:2] == ("clicks", "second")]
    assert most == ("clicks", "second", "new29", "d3", 29)
    assert sum(row[1] == "second" for row in found.examples) == EXAMPLES


def test_only_shared_queries_count(runs, tmp_path):
    per_query = pl.read_parquet(runs[1] / "per_query.parquet")
    per_query.filter(pl.col("query_id") != "q7").write_parquet(runs[1] / "per_query.parquet")
    found = differences(*runs, "test")
    assert found.difference.n == 79 and found.alone == 1


def test_tables_and_page_are_left(runs):
    console = Console(record=True, width=160)
    with initialize_config_dir(str(root() / "conf"), version_base="1.3"):
        cfg = compose("diff", [f"runs=[{runs[0]},{runs[1]}]"])
    diff(cfg, console)
    text = console.export_text()
    assert "On 80 dev queries two is better than one" in text and "negatives.low" in text
    page = Page((runs[1] / "diff.html").read_text(encoding="utf-8"))
    assert (
        "two is better than one" in page.text
        and "in one alone" in page.cells
        and "new29" in page.cells
        and "negatives.low" in page.cells
    )
    [data] = [json.loads(script) for script in page.scripts if script.startswith('{"arms"')]
    assert data["before"] == "first" and data["names"]["second"] == "second: two" and len(data["rows"]) == 80


def hydra(folder, *overrides, **choices):
    (folder / ".hydra").mkdir()
    OmegaConf.save(OmegaConf.create(list(overrides)), folder / ".hydra" / "overrides.yaml")
    told = {"hydra": {"runtime": {"choices": {**choices, "hydra/env": folder.name, "logger": folder.name}}}}
    OmegaConf.save(OmegaConf.create(told), folder / ".hydra" / "hydra.yaml")


def test_choices_stand_in_place_of_what_they_imply(tmp_path):
    sources = {"sources": {"labels": {"_target_": "shoptalk.sources.LabelSource", "min_grade": 1}}}
    first = run(tmp_path / "one", 0.1, [], data=sources, temperature={"value": 0.05})
    second = run(tmp_path / "two", 0.1, [], data={"sources": {}}, temperature={"value": 0.1}, negatives={"low": 3})
    hydra(first, "data=labels", "data.sources.labels.min_grade=1", data="labels", negatives="ann", temperature="soft")
    hydra(second, "data=clicks", "temperature=soft", data="clicks", negatives="ann", temperature="soft")
    assert differences(first, second, "dev").config == {
        "data": ("labels", "clicks"),  # and no target
        "negatives.low": ("0", "3"),  # the same choice
        "negatives.pick.k": ("1", "–"),
        "data.sources.labels.min_grade": ("1", "–"),  # set by name
        "temperature.value": ("0.05", "0.1"),
    }
    (second / ".hydra" / "hydra.yaml").unlink()
    assert '"shoptalk.sources.LabelSource"' in differences(first, second, "dev").config["data.sources.labels._target_"]


def test_names_and_values_fold_between_words_on_a_narrow_terminal(tmp_path):
    long = "labels.denoised.minilm.default.s0"
    first = run(tmp_path / long, 0.1, [], data={"sources": {"labels": {"_target_": "shoptalk.sources.LabelSource"}}})
    second = run(tmp_path / "clicks.ann.minilm.default.s0", 0.2, [], data=None)
    console = Console(record=True, width=80, file=StringIO())
    console.print(told.tables(differences(first, second, "dev")))
    text = console.export_text()
    pieces = {cell.strip() for line in text.splitlines() for cell in line.replace("┃", "│").split("│")}
    assert {"labels.denoised.minilm.", "default.s0", "data.sources.labels.", "_target_"} <= pieces
    assert {'"shoptalk.sources.', 'LabelSource"'} <= pieces
    assert f"clicks.ann.minilm.default.s0 is better than {long}" in " ".join(text.split())


def test_runs_of_one_name_go_by_their_folders(runs):
    (runs[1] / "metrics.json").write_text((runs[0] / "metrics.json").read_text())
    assert differences(*runs, "dev").names == tuple(map(str, runs))


def test_what_users_wrote_is_shown_as_text(tmp_path):
    first = run(tmp_path / "one", 0.1, [("clicks", HOSTILE, HOSTILE, 1)], query=HOSTILE)
    second = run(tmp_path / "two", 0.1, [("clicks", "q", "d", 1)], query=HOSTILE, seed=HOSTILE)
    with initialize_config_dir(str(root() / "conf"), version_base="1.3"):
        diff(compose("diff", [f"runs=[{first},{second}]", f"out={tmp_path}/p.html"]), Console(quiet=True))
    html = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html and HOSTILE in Page(html).cells


def test_what_cannot_be_compared_is_said_in_a_sentence(runs, tmp_path):
    bare = run(tmp_path / "bare", 0.1, [], splits=("dev",))
    with pytest.raises(InputError, match=r"split=test: .*bare did not measure it; it measured dev\."):
        differences(runs[0], bare, "test")
    other = run(tmp_path / "other", 0.1, [], query="another")
    with pytest.raises(InputError, match="share no query of dev"):
        differences(runs[0], other, "dev")
    with pytest.raises(InputError, match=r"runs=.*nowhere is not an existing folder"):
        differences(runs[0], tmp_path / "nowhere", "dev")
    (runs[1] / "ranked.parquet").unlink()
    with pytest.raises(InputError, match=r"runs=.* is no finished run, for it holds no ranked\.parquet"):
        differences(*runs, "dev")


def test_two_folders_can_be_given_as_they_are():
    assert named(["a b", "it's", "split=test"]) == ["split=test", r"runs=['a b','it\'s']"]
    assert named(["runs=[a,b]"]) == ["runs=[a,b]"]


@pytest.mark.slow
def test_the_command_prints_one_sentence_where_it_must(runs, tmp_path):
    def command(*arguments):
        run = [sys.executable, "-m", "shoptalk.diff", *map(str, arguments)]
        return subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "COLUMNS": "160"})

    done = command(*runs)
    assert done.returncode == 0 and "is better than" in done.stdout and (runs[1] / "diff.html").is_file()
    failed = command(runs[0])
    assert failed.returncode == 1 and failed.stderr.startswith("error: runs=") and "Traceback" not in failed.stderr
