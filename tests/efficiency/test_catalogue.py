"""The catalogue knows every model option, agrees with what its yaml says, and tells what cannot fit."""

import re

import pytest
from composing import CONF, options
from omegaconf import OmegaConf

from shoptalk.efficiency.budget import Budget
from shoptalk.efficiency.catalogue import Entry, catalogue, entry_of, shortlist
from shoptalk.efficiency.options import Efficiency

KNOWN = catalogue()
UNITS = {"M": 1e6, "B": 1e9}


def said(option: str) -> str:
    """The comments of an option's yaml."""
    lines = (CONF / "model" / f"{option}.yaml").read_text().splitlines()
    return " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))


def test_every_model_option_stands_in_it_and_nothing_else():
    assert sorted(KNOWN) == options("model")


@pytest.mark.parametrize("option", sorted(KNOWN))
def test_facts_agree_with_the_option(option):
    entry, text = KNOWN[option], said(option)
    cfg = OmegaConf.load(CONF / "model" / f"{option}.yaml")
    if option == "static":
        rows, size = re.search(r"([\d,]+) vectors of (\d+) dimensions", text).groups()
        assert entry.parameters == pytest.approx(int(rows.replace(",", "")) * int(size), rel=0.01)
    else:
        count, unit, size = re.search(r"([\d.]+) ([MB]) parameters, (\d+) dimensions", text).groups()
        assert entry.parameters == pytest.approx(float(count) * UNITS[unit])
    assert entry.dimension == int(size) and entry.licence in text
    assert entry.remote_code == ("runs Python code" in text)
    assert entry.commercial == ("not for commercial use" not in text)
    assert entry.max_length >= (cfg.max_length or 1)
    if "prompts" in cfg:
        kinds = [kind for kind in ("query", "document") if cfg.prompts[kind]]
        assert entry.prompts == {1: "queries", 2: "queries and documents"}[len(kinds)]
    assert ("English" in text) <= (entry.languages == "English")
    whole = re.search(
        r"of (\d+)", (CONF / "model" / f"{option}.yaml").read_text().split("max_length:")[1].split("\n")[0]
    )
    assert whole is None or entry.max_length == int(whole[1])


def entry(**facts) -> Entry:
    plain = {"parameters": 1_000_000, "dimension": 100, "max_length": 512, "licence": "MIT", "commercial": True}
    return Entry(**{**plain, "remote_code": False, "prompts": "none", "languages": "English", **facts})


def test_what_cannot_fit_is_told_why():
    models = {"small": entry(), "large": entry(parameters=100_000_000), "wide": entry(dimension=1000)}
    found = shortlist(Budget(memory_mb=300, index_mb_per_1m=500), known=models)
    assert found.possible == ["small"]
    assert found.refused == {
        "large": "its weights alone take 400 MB, and budget.memory_mb is 300",
        "wide": "its vectors take at least 4,000 MB, and budget.index_mb_per_1m is 500",
    }


def test_smaller_forms_that_are_measured_may_fit():
    models = {"wide": entry(dimension=1000, parameters=100_000_000)}
    budget = Budget(memory_mb=300, index_mb_per_1m=500)
    cut = Efficiency(dimensions=[125], model_precisions=["auto", "onnx-int8"])
    coded = Efficiency(index_precisions=["binary+int8", "int4"], model_precisions=None)
    assert [shortlist(budget, options, known=models).possible for options in (cut, coded)] == [["wide"], ["wide"]]
    too_wide = Efficiency(dimensions=[2000], model_precisions=None)
    assert list(shortlist(budget, too_wide, known=models).refused) == ["wide"]


def test_a_limit_met_just_so_is_met_and_seconds_refuse_nobody():
    models = {"one": entry(parameters=25_000_000, dimension=100)}
    assert shortlist(Budget(memory_mb=100, index_mb_per_1m=400, latency_ms=0.001), known=models).possible == ["one"]


def test_licences():
    found = shortlist(Budget(), commercial=True)
    assert list(found.refused) == ["nv_embed_v2"] and "CC-BY-NC-4.0" in found.refused["nv_embed_v2"]
    assert shortlist(Budget()).possible == list(KNOWN)


def test_an_entry_is_found_by_the_name_that_an_option_reads():
    assert entry_of("nvidia/NV-Embed-v2") == KNOWN["nv_embed_v2"]
    assert entry_of("some/model") is None
