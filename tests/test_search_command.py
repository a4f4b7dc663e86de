"""``python -m shoptalk.search``, on a run with small models."""

import sys

import pytest
import tiny_domain
import tiny_run
from asking import Client
from composing import CONF
from hydra import compose, initialize_config_dir
from rich.console import Console
from tiny_models import bert

from shoptalk import search
from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir
from shoptalk.models.encoder import Encoder
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.serving.server import serving


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    tiny_domain.write(folder / "domain")
    bert(folder / "base")
    tiny_run.adapted(folder / "base" / "st", folder / "adapted")
    changes = {"dev3": -0.75, "dev5": 0.25, "dev8": 0.0}
    tiny_run.write(folder / "run", folder / "domain", folder / "base" / "st", folder / "adapted", changes)
    return folder


def settings(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("search", overrides=["threads=1", *overrides])


def test_the_page_finds_what_direct_searches_find(ground):
    cfg = settings(f"run={ground / 'run'}", f"cache.root={ground / 'cache'}", "depth=7")
    domain = Beir(str(ground / "domain")).load(Cache(ground / "cache"))
    corpus, dev = domain.corpus, domain.splits["dev"]
    with serving(search.searching(cfg, Console(quiet=True)).site(), "127.0.0.1", 0) as address:
        client = Client(address)
        for text in (*dev.texts[:3], corpus.titles[0]):
            found = client.found(f"/api/search?q={text.replace(' ', '+')}&bm25=1")["columns"]
            arms = {"bm25": BM25(corpus.passages)}
            for arm, model in (("base", ground / "base" / "st"), ("adapted", ground / "adapted")):
                encoder = Encoder.load(str(model))
                arms[arm] = Dense(encoder.embed, encoder.embed(corpus.passages, "document"))
            for arm, direct in arms.items():
                ranked = direct([text], 7)
                assert [hit["id"] for hit in found[arm]] == [corpus.ids[row] for row in ranked.rows[0] if row >= 0]
                assert [hit["score"] for hit in found[arm]] == pytest.approx([s for s in ranked.scores[0] if s > -1e9])
            assert found["base"] != found["adapted"]
        texts = dict(zip(dev.ids, dev.texts, strict=True))
        assert client.told["examples"][:2] == [
            {"query": texts["dev3"], "change": -0.75}, {"query": texts["dev5"], "change": 0.25}
        ]  # fmt: skip


@pytest.mark.parametrize(
    "overrides, words",
    [
        ([], ["run is not set"]),
        (["run=/nowhere"], ["run=/nowhere is not an existing folder"]),
        (["run=RUN", "depth=0"], ["depth=0"]),
        (["run=RUN", "port=-1"], ["port=-1"]),
        (["run=RUN", "threads=0"], ["threads=0"]),
        (["run=BARE"], ["is no finished run, for it holds no model"]),
    ],
)
def test_a_mistake_is_one_sentence(ground, tmp_path, monkeypatch, capsys, overrides, words):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.yaml").touch()
    places = {"run=RUN": f"run={ground / 'run'}", "run=BARE": f"run={tmp_path / 'bare'}"}
    asked = [places.get(option, option) for option in overrides]
    monkeypatch.setattr(sys, "argv", ["search", f"cache.root={ground / 'cache'}", "progress=false", *asked])
    with pytest.raises(SystemExit) as stop:
        search.main()
    said = capsys.readouterr().err
    assert stop.value.code == 1 and said.startswith("error: ") and said.count("\n") == 1
    assert all(word in said for word in words), said
