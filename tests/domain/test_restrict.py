import pytest

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.domain.restrict import restrict

IDS = [f"D{at:02d}" for at in range(40)]


def judged(*documents: str) -> Judged:
    ids = [f"q-{doc}" for doc in documents]
    return Judged(ids, ids, {q: {d: 1} for q, d in zip(ids, documents, strict=True)}, {"kind": list(documents)})


DOMAIN = Domain(
    "all",
    Corpus(IDS, IDS, [""] * 40),
    {
        "dev": judged("D30", "D03"),
        "test": judged("D05"),
        "train": judged("D11", "D07"),
        "calibration": judged("D20"),
        "audit": judged(*IDS[20:30]),
    },
    intents=judged(*IDS),
    neighbours={doc: [IDS[(at + 1) % 40], "D30"] for at, doc in enumerate(IDS)},
    unrecorded={"D30": "D03", "D03": "D30", "D31": "D05", "D05": "D31"},
    traffic=dict.fromkeys(IDS, 1 / 40),
    counts={"documents": 40},
    identity="x",
)


def test_judged_documents_stay_and_everything_else_follows():
    small = restrict(DOMAIN, 12)
    kept = set(small.corpus.ids)
    assert small.name == "all (smoke-12)"
    assert len(small.corpus) == 12
    assert {"D30", "D03", "D05", "D11", "D07", "D20"} <= kept
    assert list(small.corpus.ids) == sorted(kept)
    for name in ("dev", "test", "train", "calibration"):
        assert small.splits[name] == DOMAIN.splits[name]
    assert small.intents.columns["kind"] == small.corpus.ids
    assert set(small.splits["audit"].columns["kind"]) == kept & set(IDS[20:30])
    assert set(small.neighbours) == kept
    assert all(set(near) <= kept for near in small.neighbours.values())
    assert small.unrecorded["D30"] == "D03"
    assert set(small.traffic) == kept
    assert sum(small.traffic.values()) == pytest.approx(1)
    assert small.counts["removed_documents_by_restriction"] == 28
    assert small.counts["removed_intents_by_restriction"] == 28
    assert small.identity != DOMAIN.identity and small.digest != restrict(DOMAIN, 13).digest


def test_it_is_the_same_every_time_and_grows_with_the_limit():
    assert restrict(DOMAIN, 12) == restrict(DOMAIN, 12)
    assert set(restrict(DOMAIN, 12).corpus.ids) < set(restrict(DOMAIN, 20).corpus.ids)


def test_the_evaluation_documents_come_first_when_even_judged_ones_are_too_many():
    small = restrict(DOMAIN, 3)
    assert list(small.corpus.ids) == ["D03", "D05", "D30"]
    assert {name: len(split) for name, split in small.splits.items()} == {"dev": 2, "test": 1}


def test_a_small_corpus_is_kept_whole():
    whole = restrict(DOMAIN, 1000)
    assert whole.name == restrict(DOMAIN, 40).name == "all (smoke)"
    assert whole.corpus == DOMAIN.corpus
    assert whole.splits == DOMAIN.splits
    assert whole.intents == DOMAIN.intents


def test_judgments_of_documents_outside_go():
    split = Judged(["q", "r"], ["q", "r"], {"q": {"D00": 1, "D01": 0}, "r": {"D02": 0, "D01": 2}})
    small = restrict(Domain("all", DOMAIN.corpus, {"test": judged("D00"), "audit": split}), 1)
    assert small.splits["audit"].qrels == {"q": {"D00": 1}}
    assert small.intents is None
