from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import tiny_models
import torch

from shoptalk.domain.judgments import Judged
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.models.encoder import Encoder
from shoptalk.models.static import StaticEncoder
from shoptalk.negatives.calibration import Isotonic
from shoptalk.negatives.crossfit import examples, fold_of, sample
from shoptalk.negatives.denoise import Denoised
from shoptalk.negatives.hub import HubTeacher
from shoptalk.negatives.own import OwnTeacher
from shoptalk.negatives.quality import auc
from shoptalk.negatives.teacher import NoTeacher, TeacherAsk
from shoptalk.negatives.teacher_losses import Listwise
from shoptalk.negatives.windows import judged_windows


class Memory:
    """A cross-encoder that remembers the queries it was trained on and scores by the words in common."""

    trained = 0

    def __init__(self):
        self.seen = set()

    def score(self, queries, documents, progress=None):
        for query in queries:
            if normalise(query) in self.seen:
                raise AssertionError(f"a teacher judges {query!r}, which it was trained on")
        common = [len(set(q.lower().split()) & set(d.split())) for q, d in zip(queries, documents, strict=True)]
        return np.array(common, np.float32)

    def save(self, folder):
        (folder / "seen.txt").write_text("\n".join(sorted(self.seen)))

    def restore(self, folder):
        self.seen = set((folder / "seen.txt").read_text().split("\n"))
        return self


class Forgetful(OwnTeacher):
    """An own teacher whose models are ``Memory``; counts its trainings."""

    trained = 0

    def _fresh(self, base, seed):
        return Memory()

    def _train(self, model, part, ask, tell):
        type(self).trained += 1
        model.seen = {normalise(query) for query in part.queries}


ENCODER = SimpleNamespace(digest="base", device=torch.device("cpu"), backbone=None)


def asked(ask, **changes):
    """What a teacher is handed in the little world; judged queries share their text with training queries."""
    near = ask.dense(["red ant", "blue cat"], 3).rows
    judged = Judged(["a", "b"], ["red ant", "blue cat"], {"a": {f"d{near[0, 1]}": 1}, "b": {f"d{near[1, 0]}": 1}})
    fields = {"calibration": judged, "window": (0, 20), **changes}
    return TeacherAsk(ask.pairs, ask.corpus, ask.known, ask.dense, ENCODER, cache=ask.cache, seed=ask.seed, **fields)


def test_twins_share_a_fold_and_folds_are_even():
    assert fold_of(["A b", "a  B."], 3).tolist() == fold_of(["a b"] * 2, 3).tolist()
    counts = np.bincount(fold_of([f"query {i}" for i in range(3000)], 3))
    assert counts.min() > 900


def test_no_query_is_judged_by_a_teacher_that_saw_it(world):
    ask = world.make(pairs=30)
    # Calibration queries that are training queries as well must be kept from their teachers, too.
    texts = ask.pairs["query"].to_list()
    ids = [str(i) for i in range(len(texts))]
    judged = Judged(ids, texts, {i: {d: 1} for i, d in zip(ids, ask.pairs["doc_id"], strict=True)})
    relevance = Forgetful(max_pairs=100).relevance(asked(ask, calibration=judged))
    rows = np.tile(np.arange(40), (len(texts), 1))
    probabilities = relevance(texts, ask.pairs["doc_id"].to_list(), rows)
    assert probabilities.shape == rows.shape
    assert ((probabilities > 0) & (probabilities < 1)).all()
    trained = [model().seen for model in relevance.scores.models]
    assert len(set().union(*trained)) == len({normalise(t) for t in texts})


def test_unasked_places_stay_empty_and_order_does_not_matter(world):
    ask = world.make()
    relevance = Forgetful().relevance(asked(ask))
    texts, rows = ask.pairs["query"].to_list(), np.array([[3, -1, 5]] * 12)
    p = relevance(texts, [], rows)
    assert np.isnan(p[:, 1]).all()
    assert (relevance(texts[::-1], [], rows[::-1])[::-1][:, [0, 2]] == p[:, [0, 2]]).all()
    assert relevance([], [], np.empty((0, 3), np.int64)).shape == (0, 3)


def test_a_second_run_trains_and_scores_nothing(world, monkeypatch):
    ask = world.make()
    texts, rows = ask.pairs["query"].to_list(), np.tile(np.arange(6), (12, 1))
    first = Forgetful().relevance(asked(ask))(texts, [], rows)
    trained = Forgetful.trained
    monkeypatch.setattr(Memory, "score", None)
    again = Forgetful().relevance(asked(ask))(texts, [], rows)
    assert (first == again).all()
    assert Forgetful.trained == trained
    with pytest.raises(TypeError):
        Forgetful(max_pairs=3).relevance(asked(ask))


def test_a_static_model_is_judged_by_the_transformer_it_comes_from(world, tmp_path):
    ask, read = world.make(), []

    def origin():
        read.append(Encoder.load(str(folder)))
        return read[-1]

    folder = tiny_models.bert(tmp_path)
    static = StaticEncoder.distil(Encoder.load(str(folder)))
    with pytest.raises(InputError, match="this static model does not come from one"):
        OwnTeacher().relevance(replace(asked(ask), encoder=static))
    static.origin = origin
    options = {"layers": 1, "max_pairs": 10, "max_length": 16}
    texts, rows = ask.pairs["query"].to_list(), np.tile(np.arange(6), (12, 1))
    judged = OwnTeacher(**options).relevance(replace(asked(ask), encoder=static))(texts, [], rows)
    same = OwnTeacher(**options).relevance(replace(asked(ask), encoder=Encoder.load(str(folder))))(texts, [], rows)
    assert len(read) == 1 and (judged == same).all()


def test_negatives_are_random_or_deep_and_never_known(world):
    ask = world.make()
    numbers = {"deep": 2, "deep_low": 10, "deep_high": 30, "random": 0, "seed": 0}
    data = examples(ask.pairs, ask.corpus, ask.known, ask.dense, **numbers)
    for i, (query, doc_id) in enumerate(ask.pairs.select("query", "doc_id").iter_rows()):
        mine = data.pairs == i
        assert data.labels[mine].tolist() == [1, 0, 0]
        assert ask.corpus.ids[data.rows[mine][0]] == doc_id
        negatives = {ask.corpus.ids[row] for row in data.rows[mine][1:]}
        assert not negatives & ask.known.documents(query)
        assert {ask.corpus.index[d] for d in negatives} <= set(ask.dense([query], 30).rows[0, 10:].tolist())
        assert (data.weights[mine] == np.float32(ask.pairs["weight"][i])).all()


def test_every_fold_gets_as_many_pairs_as_asked(world):
    ask = world.make(documents=80, pairs=60)
    chosen = sample(ask.pairs, 20, 3, 0)
    data = examples(chosen, ask.corpus, ask.known, ask.dense, deep=1, deep_low=10, deep_high=30, random=1, seed=0)
    for fold in range(3):
        part = data.without_fold(fold, 3).first(20)
        assert len(np.unique(part.pairs)) == 20
        assert fold not in fold_of(part.queries, 3)
        assert len(part.queries) == 60


def test_a_pair_of_two_sources_counts_once_with_both_weights():
    pairs = pl.DataFrame({"query": ["q", "q"], "doc_id": ["d", "d"], "weight": [1.0, 0.5], "source": ["a", "b"]})
    assert sample(pairs, 5, 3, 0)["weight"].to_list() == [1.5]


def test_ratios_and_row_order_leave_the_teacher_alone(world):
    ask = world.make()
    keys = [Forgetful().relevance(asked(ask)).scores.key]
    ask.pairs.get_column("source")
    keys.append(Forgetful().relevance(asked(ask)).scores.key)
    assert keys[0] == keys[1]
    assert Forgetful(layers=2).relevance(asked(ask)).scores.key != keys[0]
    assert Forgetful(loss=Listwise()).relevance(asked(ask)).scores.key != keys[0]
    assert Forgetful().relevance(asked(ask, threads=2)).scores.key != keys[0]


def test_sources_of_the_teacher(world):
    ask = world.make()
    relevance = Forgetful(sources=["a"]).relevance(asked(ask))
    seen = set().union(*(model().seen for model in relevance.scores.models))
    assert seen == {normalise(q) for q in ask.pairs.filter(pl.col("source") == "a")["query"]}
    with pytest.raises(InputError, match=r"teacher\.sources names clicks, but this run has a, b"):
        Forgetful(sources=["clicks"]).relevance(asked(ask))


def test_without_a_calibration_split_training_pairs_serve_and_it_is_said(world):
    relevance = Forgetful().relevance(asked(world.make(), calibration=None))
    assert any("Without a calibration split" in notice for notice in relevance.notices)
    assert any("AUC" in notice for notice in relevance.notices)


def test_what_is_told_is_measured_out_of_fold(world):
    ask = world.make()
    teacher = asked(ask)
    relevance = Forgetful(calibration=Isotonic()).relevance(teacher)
    windows = judged_windows(teacher.calibration, ask.corpus, ask.dense, (0, 20), 300)
    logits, labels = relevance.scores(windows.queries, windows.rows), windows.labels
    # Each of the two queries is calibrated by the other.
    p = np.stack([Isotonic().fit(logits[1 - i], labels[1 - i])(logits[i]) for i in (0, 1)])
    told = relevance.told
    assert told["calibration"] == "Isotonic"
    assert (told["queries"], told["documents"], told["relevant"], told["base_rate"]) == (2, 40, 2, 0.05)
    assert told["brier"] == pytest.approx(np.mean((p - labels) ** 2))
    assert told["auc"] == pytest.approx(auc(p.ravel(), labels.ravel()))
    again = relevance([*windows.queries], [], windows.rows)
    assert (again == Isotonic().fit(logits.ravel(), labels.ravel())(logits)).all()


def test_one_judged_query_calibrates_but_measures_nothing_and_it_is_said(world):
    ask = world.make()
    near = ask.dense(["red ant"], 3).rows[0]
    judged = Judged(["a"], ["red ant"], {"a": {f"d{near[1]}": 1}})
    relevance = Forgetful().relevance(asked(ask, calibration=judged))
    assert "auc" not in relevance.told and relevance.told["relevant"] == 1
    assert any("was not measured: fewer than two" in notice for notice in relevance.notices)


def test_the_whole_of_it_denoises(world):
    ask = world.make(pairs=30)
    strategy = Denoised(high=20)
    relevance = Forgetful().relevance(asked(ask, window=strategy.window))
    mined = strategy.mine(replace(ask, relevance=relevance))
    assert mined.dropped["teacher"] > 0
    kept = [p for line in mined.table["probabilities"] for p in line if p is not None]
    assert kept
    assert max(kept) < 0.1


def test_dev_measures_and_neither_masks_nor_filters(world):
    ask = world.make(pairs=30)
    strategy = Denoised(high=20)
    # Judged as dev judges them, the best candidates of training queries themselves would be barred.
    texts = ask.pairs["query"].to_list()[:9]
    near = ask.dense(texts, 20).rows
    dev = Judged(texts, texts, {t: {f"d{row}": 1 for row in line} for t, line in zip(texts, near, strict=True)})
    without, measured = (Forgetful().relevance(asked(ask, window=strategy.window, dev=d)) for d in (None, dev))
    assert "dev" not in without.told and measured.told["dev"]["difference"]["n"] == 9
    assert without.curve.weights.tolist() == measured.curve.weights.tolist()
    one, other = (strategy.mine(replace(ask, relevance=relevance)).table for relevance in (without, measured))
    assert one.equals(other)


def test_no_teacher_is_nobody(world):
    assert NoTeacher().relevance(asked(world.make())) is None


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda: OwnTeacher(folds=1), "teacher.folds=1"),
        (lambda: OwnTeacher(max_pairs=0), "teacher.max_pairs=0"),
        (lambda: OwnTeacher(deep=0, random=0), "must give a negative per pair"),
        (lambda: OwnTeacher(deep_low=9, deep_high=9), "deep_low=9"),
        (lambda: OwnTeacher(learning_rate=0), "teacher.learning_rate=0"),
        (lambda: HubTeacher("x", calibration_queries=0), "calibration_queries=0"),
    ],
)
def test_impossible_settings_say_which(act, sentence):
    with pytest.raises(InputError, match=sentence):
        act()


@pytest.mark.parametrize(("grade", "sentence"), [(1, "20 relevant and 0 other"), (0, "0 relevant and 20 other")])
def test_windows_of_one_kind_cannot_calibrate(world, grade, sentence):
    ask = world.make()
    near = ask.dense(["red ant"], 20).rows[0]
    judged = Judged(["a"], ["red ant"], {"a": {f"d{row}": grade for row in near}})
    with pytest.raises(InputError, match=f"cannot be calibrated: {sentence} documents .* judge more calibration"):
        Forgetful().relevance(asked(ask, calibration=judged))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused(world, monkeypatch, bad):
    monkeypatch.setattr(Memory, "score", lambda self, q, d, progress=None: np.where(np.arange(len(q)), 0.5, bad))
    with pytest.raises(InputError, match="not finite; choose another teacher"):
        Forgetful().relevance(asked(world.make()))


def test_too_few_queries_to_fold(world):
    ask = world.make(pairs=1)
    with pytest.raises(InputError, match="too few training queries"):
        Forgetful().relevance(asked(ask))


def test_a_real_cross_encoder_learns_and_weights_tell(world, tmp_path):
    import tiny_models

    from shoptalk.models.cross_encoder import CrossEncoder
    from shoptalk.models.encoder import Encoder
    from shoptalk.negatives.crossfit import Examples
    from shoptalk.negatives.teacher_losses import Bce
    from shoptalk.negatives.teacher_training import Recipe, train

    encoder = Encoder.load(str(tiny_models.bert(tmp_path)))
    texts = tiny_models.texts(8, longest=4)
    rows = np.array([[i, (i + 3) % 8] for i in range(8)]).reshape(-1)
    queries = [t for t in texts for _ in range(2)]

    def fitted(weights):
        model = CrossEncoder.from_encoder(encoder, seed=0)
        data = Examples(queries, rows, np.array([1, 0] * 8, np.float32), weights, np.repeat(np.arange(8), 2))
        train(model, data, texts, Recipe(epochs=30, batch_size=4, learning_rate=3e-3), Bce(), 0, lambda done, of: None)
        return model.score(queries, [texts[r] for r in rows], precision="fp32")

    even = fitted(np.ones(16, np.float32))
    assert even[0::2].mean() > even[1::2].mean() + 1
    np.testing.assert_allclose(fitted(np.full(16, 7, np.float32)), even, atol=0.05)
    uneven = fitted(np.repeat([1, 9] * 4, 2).astype(np.float32))
    assert not np.allclose(uneven, even, atol=0.05)
