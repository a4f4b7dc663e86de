"""The whole of ``train()`` on a domain that takes seconds to learn."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
import pytest
import tiny_domain
import torch
from composing import composed
from tiny_models import bert

from shoptalk import comparing
from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir
from shoptalk.errors import InputError
from shoptalk.experiment import Outcome, train
from shoptalk.export import interpolate
from shoptalk.interpolating import POINTS
from shoptalk.losses import InfoNCE
from shoptalk.models.encoder import Encoder
from shoptalk.retrieval.dense import Dense

TINY = (
    "data=labels", "domain=beir", "trainer=cpu", "trainer.precision=32-true", "trainer.batch_size=32",
    "trainer.learning_rate=5e-3", "trainer.pairs=4800", "trainer.looks=2", "mixing.max_repeats=40", "threads=1",
)  # fmt: skip


@dataclass(frozen=True)
class Ground:
    domain: Path
    model: Path
    folder: Path

    def overrides(self, *more: str) -> list[str]:
        fixed = [f"domain.path={self.domain}", f"model.name={self.model}", f"cache.root={self.folder}/cache"]
        return [*TINY, *fixed, *more]

    def train(self, name: str, *overrides: str) -> Outcome:
        return train(composed(self.folder / name, *self.overrides(*overrides)))


@pytest.fixture(scope="module")
def ground(tmp_path_factory) -> Ground:
    folder = tmp_path_factory.mktemp("ground")
    return Ground(tiny_domain.write(folder / "domain"), bert(folder / "model"), folder)


@pytest.fixture(scope="module")
def first(ground) -> Outcome:
    return ground.train("first", "negatives=random")


def figures(outcome: Outcome) -> dict:
    return {key: value for key, value in outcome.metrics.items() if key != "seconds"}


def test_it_learns(first):
    test = first.metrics["test"]
    assert test["adapted"]["ndcg@10"] > test["zero_shot"]["ndcg@10"] + 0.3 > 0.3
    gain = first.metrics["gain"]["test"]["zero_shot"]
    assert gain["p_value"] < 0.01 and gain["ci95"][0] > 0 and gain["verdict"] == "better"


def test_what_a_run_leaves(first):
    left = {path.name for path in first.folder.iterdir()}
    assert {
        "metrics.json", "per_query.parquet", "pairs.parquet", "negatives.parquet", "rejected", "checkpoints",
        "model", "report.html", "result.svg", "config.yaml", "ranked.parquet",
    } <= left  # fmt: skip
    assert json.loads((first.folder / "metrics.json").read_text()) == first.metrics
    pairs = pl.read_parquet(first.folder / "pairs.parquet")
    assert pairs["times_drawn"].sum() == first.metrics["mixing"]["draws"]
    assert first.metrics["dev"]["adapted"]["ndcg@10"] == first.dev_score


def test_labels_with_ann_negatives_train_evaluate_and_export(ground):
    outcome = ground.train("ann", "negatives=ann", "index=ivf", "trainer.pairs=64")
    [told] = [notice for notice in outcome.metrics["notices"] if "index=" in notice]
    assert told.startswith("Dense search by index=ivf finds ")
    assert {"dev", "test"} <= outcome.metrics.keys() and (outcome.folder / "model" / "modules.json").is_file()
    mined = pl.read_parquet(outcome.folder / "negatives.parquet")
    assert (mined["negatives"].list.len() == 4).all() and mined["scores"].explode().is_not_null().all()


def test_refreshed_negatives_come_from_the_model_in_training(ground):
    options = ("trainer.pairs=640", "trainer.looks=4", "negatives.every=5")
    outcome = ground.train("refreshed", "negatives=ann_refreshed", *options)
    told = outcome.metrics["negatives"]["refreshes"]
    assert [line["step"] for line in told] == [5, 10, 15]
    assert f"<td>{100 * told[0]['changed']:.1f} %</td>" in (outcome.folder / "report.html").read_text()
    assert all(0 < line["changed"] <= 1 for line in told) and outcome.metrics["seconds"]["refresh"] > 0
    first = ground.train("unrefreshed", "negatives=ann", *options[:2])
    assert first.metrics["dev_pool"]["5"] == outcome.metrics["dev_pool"]["5"]
    assert first.metrics["dev_pool"] != outcome.metrics["dev_pool"]


def test_what_was_found_is_kept_and_gives_the_figures(first):
    found = pl.read_parquet(first.folder / "ranked.parquet").filter(split="test", arm="adapted")
    hits = [any((grade or 0) > 0 for grade in grades) for grades in found["grades"]]
    figures = first.per_query.filter(split="test", arm="adapted")
    assert found["query_id"].to_list() == figures["query_id"].to_list()
    assert hits == (figures["ndcg@10"] > 0).to_list() and found["doc_ids"].list.len().unique().to_list() == [10]


def test_a_run_says_whether_to_ship_and_how_far_to_trust_it(first):
    told = first.metrics["shipping"]
    assert (told["verdict"], told["split"]) == ("ship", "test") and told["losses"]["zero_shot"]["won"] > 10
    assert 0 < first.metrics["power"]["test"]["zero_shot"]["smallest"] < 0.3
    assert first.metrics["judged"]["test"]["documents"] == 1
    slices = first.metrics["slices"]["test"]
    assert {"query_form", "query_length", "jargon", "document"} == set(slices)
    assert slices["document"]["trained on"]["gain"]["verdict"] == "better"


def test_weights_between_base_and_adapted_are_measured_on_dev(ground):
    outcome = ground.train("between", "negatives=random", "trainer.pairs=640", "evaluation.interpolate=[0.5]")
    points, dev = outcome.metrics["interpolation"], outcome.metrics["dev"]
    assert [point["alpha"] for point in points] == [0.0, 0.5, 1.0]
    assert points[0]["ndcg@10"] == pytest.approx(dev["zero_shot"]["ndcg@10"])
    assert points[2]["ndcg@10"] == pytest.approx(dev["adapted"]["ndcg@10"])
    assert "From base to adapted" in (outcome.folder / "report.html").read_text()


def test_means_are_those_of_the_queries(first):
    table = pl.read_parquet(first.folder / "per_query.parquet").filter(split="test", arm="adapted")
    assert table["ndcg@10"].mean() == pytest.approx(first.metrics["test"]["adapted"]["ndcg@10"])


def test_no_known_positive_is_a_negative(first):
    pairs, negatives = (pl.read_parquet(first.folder / f"{name}.parquet") for name in ("pairs", "negatives"))
    positives = set(pairs.select("query", "doc_id").iter_rows())
    mined = negatives.explode("negatives").select("query", "negatives").iter_rows()
    assert not positives & set(mined)


def test_the_same_seed_gives_the_same_figures_and_another_seed_does_not(ground):
    asked = {"once": "seed=0", "again": "seed=0", "other": "seed=1"}
    once, again, other = (ground.train(name, "negatives=random", "trainer.pairs=640", s) for name, s in asked.items())
    assert figures(again) == figures(once) and again.per_query.equals(once.per_query)
    assert figures(other) != figures(once)
    assert other.per_query["query_id"].to_list() == once.per_query["query_id"].to_list()


def test_the_exported_folder_finds_the_same_in_sentence_transformers(ground, first):
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(first.folder / "model"))
    ours = Encoder.load(str(first.folder / "model"))
    domain = Beir(path=str(ground.domain)).load(Cache(ground.folder / "cache"))
    passages = domain.corpus.passages
    searches = {
        "theirs": Dense(
            lambda texts, kind: theirs.encode_query(list(texts), normalize_embeddings=True),
            theirs.encode_document(passages, normalize_embeddings=True),
        ),
        "ours": Dense(partial(ours.embed, precision="fp32"), ours.embed(passages, "document", precision="fp32")),
    }
    found = comparing.arm_means(comparing.judge(searches, {"test": domain.splits["test"]}, domain.corpus), "test")
    assert found["ours"]["ndcg@10"] == pytest.approx(found["theirs"]["ndcg@10"], abs=1e-3)
    assert found["ours"]["ndcg@10"] == pytest.approx(first.metrics["test"]["adapted"]["ndcg@10"], abs=0.02)


def test_a_resumed_run_equals_an_uninterrupted_one(ground, first):
    whole = torch.load(first.folder / "checkpoints" / "last.ckpt", weights_only=True)
    import os
    import signal

    from shoptalk.training.module import BiEncoder

    original = BiEncoder.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 10:
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, batch, batch_idx)

    BiEncoder.training_step = interrupted
    try:
        with pytest.raises(KeyboardInterrupt, match="ckpt_path=") as stop:
            ground.train("cut", "negatives=random")
    finally:
        BiEncoder.training_step = original
    path = str(stop.value).split("ckpt_path=")[1]
    resumed = ground.train("resumed", "negatives=random", f"ckpt_path={path}")
    assert figures(resumed) == figures(first)
    state = torch.load(resumed.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(value, state[name]) for name, value in whole["state_dict"].items())


KILLED = """
import json, os, signal, sys
from pathlib import Path
from composing import composed
from shoptalk.experiment import train
from shoptalk.training.module import BiEncoder

original = BiEncoder.training_step

def killed(self, batch, batch_idx):
    if self.global_step == self.steps * 2 // 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(self, batch, batch_idx)

BiEncoder.training_step = killed
train(composed(Path(sys.argv[1]), *json.loads(sys.argv[2])))
"""


def test_a_run_killed_in_mid_epoch_and_resumed_equals_an_uninterrupted_one(ground, first):
    import os
    import subprocess
    import sys

    overrides = ground.overrides("negatives=random")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", KILLED, str(ground.folder / "killed"), json.dumps(overrides)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == -9, ended.stderr[-2000:]
    left = ground.folder / "killed" / "run"
    assert not (left / "metrics.json").exists()
    resumed = ground.train("after", "negatives=random", f"ckpt_path={left}/checkpoints/last.ckpt")
    assert figures(resumed) == figures(first)
    whole, again = (
        torch.load(run.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for run in (first, resumed)
    )
    assert all(torch.equal(value, again[name]) for name, value in whole.items())


@pytest.mark.parametrize(("looks", "told"), [(30, r"The last good checkpoint is .*last\.ckpt"), (1, r"temperature\.$")])
def test_a_run_whose_loss_is_no_number_names_the_last_good_checkpoint(ground, monkeypatch, looks, told):
    good = InfoNCE.forward

    def bad(self, queries, documents, targets, temperature):
        bad.calls += 1
        return good(self, queries, documents, targets, temperature) * (float("nan") if bad.calls == 8 else 1)

    bad.calls = 0
    monkeypatch.setattr(InfoNCE, "forward", bad)
    with pytest.raises(InputError, match=r"loss is nan at step 7 .*" + told):
        ground.train(f"exploded{looks}", "negatives=in_batch", f"trainer.looks={looks}")


def test_a_domain_with_test_alone_trains_for_fixed_steps_and_says_so(ground, tmp_path):
    folder = tiny_domain.write(tmp_path / "domain", splits=("train", "test"))
    carved = ground.train("carved", f"domain.path={folder}", "negatives=in_batch", "trainer.pairs=64")
    assert "dev" in carved.metrics and any("dev" in notice for notice in carved.metrics["notices"])
    only = tiny_domain.write(tmp_path / "only", splits=("test",))
    outcome = ground.train("only", f"domain.path={only}", "data=synthetic", "negatives=in_batch", "trainer.pairs=64")
    assert "dev" not in outcome.metrics and outcome.metrics["dev_pool"] == {}
    assert any("fixed" in notice for notice in outcome.metrics["notices"])
    assert carved.metrics["interpolated"]["share"] == 1.0 and outcome.metrics["interpolated"]["share"] == 0.25
    assert any("25% of the way" in notice for notice in outcome.metrics["notices"])


def test_weights_are_kept_as_far_from_the_base_model_as_asked(ground):
    whole, part = (
        ground.train(f"share{share}", "negatives=in_batch", "trainer.pairs=640", f"trainer.interpolate={share}")
        for share in (1, 0.25)
    )
    base, trained, kept = (
        Encoder.load(str(of)) for of in (ground.model, whole.folder / "model", part.folder / "model")
    )
    expected = interpolate(base, trained, 0.25).state_dict()
    assert all(torch.allclose(weight, expected[name], atol=1e-6) for name, weight in kept.state_dict().items())
    assert part.metrics["interpolated"]["share"] == 0.25 and part.metrics["dev_pool"] == whole.metrics["dev_pool"]


def test_dev_may_say_how_far_from_the_base_model_weights_are_kept(ground):
    outcome = ground.train("chosen", "negatives=in_batch", "trainer.pairs=640", "trainer.interpolate=dev")
    told, curve = outcome.metrics["interpolated"], outcome.metrics["dev_pool"]
    points = {float(alpha): score for alpha, score in told["dev_pool"].items()}
    assert set(points) == set(POINTS) and points[told["share"]] == max(points.values())
    assert points[1.0] == pytest.approx(max(curve.values()))
    assert ("the best on dev" in " ".join(outcome.metrics["notices"])) == (told["share"] < 1)


def test_under_multirun_test_stays_unread(ground):
    outcome = ground.train("sweep", "run.single=false", "negatives=in_batch", "trainer.pairs=64")
    assert "test" not in outcome.metrics and "dev" in outcome.metrics


def test_a_ratio_for_a_source_not_chosen_is_refused(ground):
    from shoptalk.errors import InputError

    with pytest.raises(InputError, match="clicks"):
        ground.train("ratio", "mixing.ratios.clicks=0.5")
