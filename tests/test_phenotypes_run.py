"""A part of the embedded domain: all simulated and written sources, denoised negatives, the whole way."""

import json

import polars as pl
import pytest
from composing import composed
from tiny_models import bert

from shoptalk.domain.obo import packaged_hp_obo
from shoptalk.experiment import train

TERMS = 1500
SIZES = {"test": 60, "dev": 40, "calibration": 30, "audit": 60, "train": 60}


def part(path):
    """An OBO file of the first terms of the packaged one; all of them would take minutes to embed."""
    head, *terms = packaged_hp_obo().read_text().split("\n[Term]\n")[: TERMS + 1]
    kept = {f"is_a: {term.split()[1]}" for term in terms}
    lines = [
        "\n".join(line for line in term.split("\n") if not line.startswith("is_a: ") or line[:16] in kept)
        for term in terms
    ]
    path.write_text("\n[Term]\n".join([head, *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phenotypes")
    options = [
        f"domain.obo={part(folder / 'part.obo')}",
        *(f"domain.sizes.{name}={size}" for name, size in SIZES.items()),
        *(f"domain.sizes.audit_{kind}=0" for kind in ("abbreviations", "layperson", "number_twins")),
        f"model.name={bert(folder / 'model')}",
        "data=clicks+labels+synthetic",
        "trainer=smoke",
        "trainer.pairs=256",
        "teacher.max_pairs=30",
        "teacher.folds=2",
        "teacher.layers=2",
        "teacher.max_length=64",
        "mixing=clicks_heavy",
        "trainer.documents=700",
        "negatives.keep=1",
        "negatives.max_probability=0.02",
        "negatives.wave=2",
        "negatives.high=10",
        "teacher.calibration_queries=30",
        "data.sources.clicks.selection.max_pairs=300",
        "data.sources.synthetic.documents=200",
        "~data.sources.clicks.compared",
        "trainer.looks=1",
    ]
    # Its own cache: what is asserted must come from this very code.
    return train(composed(folder, *options))


def test_every_figure_says_that_the_corpus_is_a_part(outcome):
    assert outcome.metrics["corpus"] == "phenotypes (smoke-700)" and outcome.metrics["documents"] == 700


def test_each_source_is_drawn_as_asked(outcome):
    pairs = pl.read_parquet(outcome.folder / "pairs.parquet")
    drawn = dict(pairs.group_by("source").agg(pl.col("times_drawn").sum()).iter_rows())
    assert sorted(drawn) == ["clicks", "labels", "synthetic"]
    for source, share in outcome.metrics["mixing"]["asked"].items():
        assert abs(drawn[source] / sum(drawn.values()) - share) < 0.005


def test_denoising_says_what_it_dropped(outcome):
    assert outcome.metrics["negatives"]["dropped"]["teacher"] > 0
    assert any("teacher judged" in notice for notice in outcome.metrics["notices"])


def test_what_is_simulated_is_called_simulated(outcome):
    assert any("simulated" in notice for notice in outcome.metrics["notices"])
    assert outcome.metrics["simulated"]["purity"]["clicks"] > 0.8
    assert 0 < outcome.metrics["simulated"]["never_shown"]["of_all"] < 1


def test_no_truth_lies_in_the_run_or_the_cache(outcome):
    cache = outcome.folder.parent / "cache"
    assert not [p for folder in (outcome.folder, cache) for p in folder.rglob("*truth*")]


def test_metrics_have_the_shape_of_the_design(outcome):
    metrics = json.loads((outcome.folder / "metrics.json").read_text())
    assert {"schema", "corpus", "seed", "dev", "test", "gain", "slices", "mixing", "seconds"} <= set(metrics)
    own = {"query_kind", "traffic", "number_twin", "template_words"}
    assert set(metrics["slices"]["test"]) == own | {"query_form", "query_length", "jargon", "document"}
