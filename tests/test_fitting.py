from dataclasses import replace

import numpy as np
import pytest
from tiny_models import bert

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged
from shoptalk.embedding import CachedTokens
from shoptalk.errors import InputError
from shoptalk.fitting import Pool, checkpoint_of
from shoptalk.models.encoder import Encoder
from shoptalk.models.static import StaticEncoder
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.training.settings import Settings


def test_weights_alone_are_no_checkpoint_to_go_on_from(tmp_path):
    (tmp_path / "best.ckpt").touch()
    (tmp_path / "last.ckpt").touch()
    with pytest.raises(InputError, match=r"weights alone.*last\.ckpt"):
        checkpoint_of(str(tmp_path / "best.ckpt"))
    assert checkpoint_of(str(tmp_path / "last.ckpt")) and checkpoint_of(None) is None


OPTIONS = {"batch_size": 8, "pairs": 8, "weight_decay": 0.0, "warmup": 0.1, "gradient_clip": 1.0, "looks": 1}


def test_the_learning_rate_is_the_encoders_own_unless_asked(tmp_path):
    auto, asked = (Settings(learning_rate=rate, chunk_tokens="auto", **OPTIONS) for rate in ("auto", 3e-4))
    encoder = Encoder.load(str(bert(tmp_path / "model")))
    assert auto.rate(StaticEncoder) == 50 * auto.rate(encoder)
    encoder.backbone.config.hidden_size = 768
    assert auto.rate(encoder) == 1e-4
    assert asked.rate(StaticEncoder) == asked.rate(encoder) == 3e-4
    with pytest.raises(InputError, match=r"trainer.learning_rate=fast must be a number above 0"):
        Settings(learning_rate="fast", chunk_tokens="auto", **OPTIONS)


WORDS = ["red", "blue", "green", "old", "new"]
TITLES = [f"{one} {two} horn {k}" for k, one in enumerate(WORDS) for two in WORDS]
CORPUS = Corpus([f"d{k}" for k in range(len(TITLES))], TITLES, [""] * len(TITLES))
DEV = Judged(["1", "2"], ["red old", "green new"], {"1": {"d7": 1, "gone": 1}, "2": {"d8": 0}})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return Encoder.load(str(bert(tmp_path_factory.mktemp("model") / "model")))


@pytest.mark.parametrize(("depth", "random"), [(0, 0), (3, 0), (0, 4), (3, 4), (50, 1000)])
def test_the_watched_pool_is_as_large_as_asked(tmp_path, encoder, depth, random):
    bm25, dense = BM25(CORPUS.passages), Dense(encoder.embed, encoder.embed(CORPUS.passages, "document"))
    tokens = CachedTokens(encoder, Cache(tmp_path))
    pools = [Pool(DEV, CORPUS, tokens, [bm25, dense], d, r) for d, r in ((depth, 0), (0, random), (depth, random))]
    best, others, both = ({*pool.corpus.ids} for pool in pools)
    found = {CORPUS.ids[row] for s in (bm25, dense) for row in s(DEV.texts, min(depth, 25)).rows.ravel() if row >= 0}
    assert best == found | {"d7", "d8"} and both == best | others
    assert len(others - {"d7", "d8"}) <= random and len(others) >= min(random, 25)
    assert 0 <= pools[2].score(encoder) <= 1


def test_the_pool_is_scored_as_its_texts_would_be(tmp_path, encoder):
    dev = replace(DEV, texts=[TITLES[7], DEV.texts[1]])
    pool = Pool(dev, CORPUS, CachedTokens(encoder, Cache(tmp_path)), [], 0, 25)
    vectors = encoder.embed(CORPUS.passages, "document")
    order = np.argsort(-encoder.embed(dev.texts[:1], "query")[0] @ vectors.T, kind="stable")
    rank = [CORPUS.ids[row] for row in order].index("d7")
    assert rank < 10  # its own words find it
    best = 1 + 1 / np.log2(3)  # two documents are relevant, one of which is gone
    assert pool.score(encoder) == pytest.approx(1 / np.log2(rank + 2) / best / 2)


@pytest.mark.parametrize("option", ["watch_depth", "watch_random"])
@pytest.mark.parametrize("value", [-1, 2.5, True, "many"])
def test_the_size_of_the_pool_is_a_whole_number(option, value):
    with pytest.raises(InputError, match=rf"trainer.{option}={value} is not possible"):
        Settings(learning_rate="auto", chunk_tokens="auto", **OPTIONS, **{option: value})


def test_a_quarter_of_the_way_is_kept_where_nothing_is_watched_and_else_all_unless_asked():
    auto, asked = (
        Settings(learning_rate="auto", chunk_tokens="auto", **OPTIONS, interpolate=share) for share in ("auto", 0.3)
    )
    assert (auto.share(watched=True), auto.share(watched=False)) == (1.0, 0.25)
    assert asked.share(watched=True) == asked.share(watched=False) == 0.3
    dev = replace(auto, interpolate="dev")
    assert dev.share(watched=True) is None
    with pytest.raises(InputError, match="this domain has no dev split"):
        dev.share(watched=False)


@pytest.mark.parametrize("share", [0, -0.5, 1.5, True, "half", float("nan")])
def test_a_share_of_the_way_lies_above_0_and_not_above_1(share):
    with pytest.raises(InputError, match=rf"trainer.interpolate={share} must be auto, dev or a number above 0"):
        Settings(learning_rate="auto", chunk_tokens="auto", **OPTIONS, interpolate=share)
