"""From a user's click log, in any shape, to the table of results."""

import numpy as np
import pytest
import tiny_domain
from composing import composed
from tiny_models import bert

from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir
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


@pytest.mark.parametrize("shape", SHAPES)
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


def test_wandb_keeps_the_report_on_the_log(ground):
    folder, happened, model = ground
    (folder / "wandb-log").mkdir()
    shapes.Rows().write(happened, folder / "wandb-log")
    outcome = train(
        composed(
            folder / "run-wandb", "data=clicks", "domain=beir", f"domain.path={folder}/domain", "negatives=in_batch",
            f"data.sources.clicks.log={folder}/wandb-log", "data.sources.clicks.position_base=1",
            "data.sources.clicks.selection.min_score=0.2", f"model.name={model}", f"cache.root={folder}/cache",
            "trainer=cpu", "trainer.precision=32-true", "threads=1", "trainer.pairs=64", "trainer.looks=1",
            "logger=wandb_offline",
        )
    )  # fmt: skip
    pages = list((outcome.folder / "wandb").rglob("*.html"))
    same = [page.read_bytes() == (outcome.folder / "log_report.html").read_bytes() for page in pages]
    assert same == [True]
