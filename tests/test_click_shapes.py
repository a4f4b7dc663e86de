"""From a user's click log, in any shape, to the table of results."""

import shutil

import numpy as np
import polars as pl
import pytest
import tiny_domain
from composing import composed
from tiny_models import bert

from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.experiment import train
from shoptalk.retrieval.ranked import Ranked
from shoptalk.simulated import with_intents
from shoptalk.sources.clicks.simulation import shapes
from shoptalk.sources.clicks.simulation.simulate import make
from shoptalk.sources.clicks.simulation.world import World

SHAPES = {
    "rows": (shapes.Rows(), "log.parquet", 1),
    "flat": (shapes.Flat(), "log.csv", 1),
    "ubi": (shapes.Ubi(), "", 0),
    "sessions": (shapes.Sessions(), "log.jsonl", "null"),
}


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    domain = with_intents(Beir(str(tiny_domain.write(folder / "domain"))).load(Cache(folder / "cache")), None)[0]
    wanted = dict(zip(domain.intents.texts, domain.intents.positives(), strict=True))

    def ranker(seed):
        def search(queries, k):
            scores = np.random.default_rng(seed).random((len(queries), len(domain.corpus)), dtype=np.float32)
            for line, query in enumerate(queries):
                scores[line, [domain.corpus.index[d] for d in wanted[query]]] += 0.7
            rows = np.argsort(-scores, axis=1)[:, :k]
            return Ranked(rows, np.take_along_axis(scores, rows, axis=1))

        return search

    happened = make(domain, {"bm25": ranker(1), "dense": ranker(2)}, World(sessions=6_000, users=2_000))
    return folder, happened, bert(folder / "model")


# The other kinds are read as these are, once their adapters have told what is where.
@pytest.mark.parametrize(
    "shape", [s if s in ("rows", "flat") else pytest.param(s, marks=pytest.mark.slow) for s in SHAPES]
)
def test_a_log_trains_a_model(shape, ground):
    folder, happened, model = ground
    writer, name, base = SHAPES[shape]
    (folder / shape).mkdir()
    writer.write(happened, folder / shape)
    outcome = train(
        composed(
            folder / f"run-{shape}", "data=clicks", "domain=beir", f"domain.path={folder}/domain", "negatives=random",
            f"data.sources.clicks.log={folder}/{shape}/{name}", f"data.sources.clicks.position_base={base}",
            "data.sources.clicks.selection.min_score=0.2",
            f"model.name={model}", f"cache.root={folder}/cache", "trainer=cpu", "trainer.precision=32-true",
            "threads=1", "trainer.pairs=320", "trainer.batch_size=32", "trainer.looks=1", "mixing.max_repeats=40",
        )
    )  # fmt: skip
    assert (
        outcome.metrics["test"]["adapted"].keys() >= {"ndcg@10"} and outcome.metrics["sources"]["clicks"]["pairs"] > 20
    )
    assert (outcome.folder / "log_report.html").exists()
    level = "L2" if shape == "flat" else "L3"
    assert f"level {level}" in (outcome.folder / "log_report.html").read_text()
    assert outcome.metrics["logs"]["clicks"]["log/theta/AllPairs/rank_5"] == pytest.approx(0.2, abs=0.1)


@pytest.fixture(scope="module")
def rows_log(ground):
    folder, happened, model = ground
    (folder / "rows-log").mkdir()
    shapes.Rows().write(happened, folder / "rows-log")
    shutil.copytree(folder / "domain", folder / "unjudged")
    (folder / "unjudged/qrels/train.tsv").unlink()  # or else every query of the log has a known positive

    def run(name, *overrides):
        return train(
            composed(
                folder / name, "data=clicks", "domain=beir", f"domain.path={folder}/unjudged",
                f"data.sources.clicks.log={folder}/rows-log", "data.sources.clicks.position_base=1",
                f"model.name={model}", f"cache.root={folder}/cache", "trainer=cpu", "trainer.precision=32-true",
                "threads=1", "trainer.pairs=64", "trainer.looks=1", *overrides,
            )
        )  # fmt: skip

    return run


def test_queries_that_clicks_left_unlabelled_get_a_document_of_the_teacher(rows_log):
    outcome = rows_log(
        "run-pseudo", "negatives=ann", "pseudo_positives=confident", "pseudo_positives.min_probability=0.01",
        "data.sources.clicks.selection.min_score=0.6", "data.sources.clicks.chains.users=null", "logger=csv",
        "teacher.folds=2", "teacher.max_pairs=20", "teacher.deep_low=20", "teacher.deep_high=50",
        "teacher.layers=null", "teacher.max_length=null",
    )  # fmt: skip
    pairs, told = pl.read_parquet(outcome.folder / "pairs.parquet"), outcome.metrics["sources"]["clicks"]
    guessed = pairs.filter(pl.col("teacher_score").is_not_null())
    assert guessed.height == told["pseudo-positives"] > 0 and told["pairs"] + guessed.height == pairs.height
    reasons = ("evaluation query", "known positive", "repeated", "not likely enough")
    assert told["unlabelled queries"] == guessed.height + sum(told[f"unlabelled {reason}"] for reason in reasons)
    assert (guessed["teacher_score"] > 0.01).all()
    assert set(pairs["source"]) == {"clicks"} and pairs["weight"].mean() == pytest.approx(1, abs=1e-5)
    assert outcome.metrics["mixing"]["pairs"]["clicks"] == pairs.height
    labelled = {normalise(q) for q in pairs.filter(pl.col("teacher_score").is_null())["query"]}
    assert not labelled & {normalise(q) for q in guessed["query"]}
    mined = pl.read_parquet(outcome.folder / "negatives.parquet").select("query", "doc_id")
    assert guessed.join(mined, on=["query", "doc_id"], how="anti").is_empty()
    assert any("queries of clicks that no pair answers" in notice for notice in outcome.metrics["notices"])


def test_pseudo_positives_want_a_teacher(rows_log):
    with pytest.raises(InputError, match="teacher=own or teacher=hub"):
        rows_log("run-none", "negatives=ann", "pseudo_positives=confident", "teacher=none")


def test_wandb_keeps_the_report_on_the_log(rows_log):
    outcome = rows_log(
        "run-wandb", "negatives=in_batch", "data.sources.clicks.selection.min_score=0.2", "logger=wandb_offline"
    )
    pages = list((outcome.folder / "wandb").rglob("*.html"))
    same = [page.read_bytes() == (outcome.folder / "log_report.html").read_bytes() for page in pages]
    assert same == [True]
