"""A source read once for all that it reads, and again as soon as any of that differs."""

import multiprocessing
import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from click_reading import click_source

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.sources.cached import CachedSource
from shoptalk.sources.files import FileSource
from shoptalk.sources.forms import Forms
from shoptalk.sources.pairs import Ground, Voice, Yielded, as_pairs
from shoptalk.sources.synthetic.coverage import Targeted
from shoptalk.sources.synthetic.filters import CopiesTitle, CrossEncoder
from shoptalk.sources.synthetic.generators import RulesGenerator
from shoptalk.sources.synthetic.source import SyntheticSource

WORDS = ["red", "blue", "green", "old", "new", "tall"]
TITLES = [f"{one} {two} horn" for one in WORDS for two in WORDS if one != two]
CORPUS = Corpus(
    [f"d{k}" for k in range(len(TITLES))], TITLES, [f"A horn that is {t[:4]} and blown at sea." for t in TITLES]
)
JUDGED = Judged(["1", "2"], ["sea horn", "what is a horn"], {"1": {"d0": 1}, "2": {"d1": 1}})


class Embed:
    """Vectors by the letters of a text."""

    def __init__(self, identity="base"):
        self.identity = identity

    def __call__(self, texts, kind):
        vectors = np.stack([np.random.default_rng(list(text.encode())).normal(size=8) for text in texts])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def ground(tmp_path):
    return Ground(Domain("toy", CORPUS, {"train": JUDGED, "dev": JUDGED}), Embed(), Cache(tmp_path / "cache"), 0)


class Counted:
    """One pair, and how often it was read."""

    immaterial = ("speed",)

    def __init__(self, contents=("1",), after_others=False):
        self.calls, self._contents, self.after_others = 0, contents, after_others

    def contents(self, ground):
        return self._contents

    def read(self, name, ground):
        self.calls += 1
        ground.voice.say(f"reading {name}")
        return Yielded(as_pairs(pl.DataFrame({"query": ["q"], "doc_id": ["d0"]}), name), counts={"read": 1})


OPTIONS = {"_target_": "shoptalk.sources.x.X", "speed": 1, "parts": {"a": {"_target_": "shoptalk.A"}, "b": None}}


def calls(first: Ground, *others, options=OPTIONS, **changed) -> int:
    """How often a source is read for ``first`` and each of ``others``, (ground, options) pairs."""
    source = Counted(**changed)
    for ground, given in ((first, options), *others):
        CachedSource(source, given).read("x", ground)
    return source.calls


def test_the_same_is_read_once_and_said_every_time(ground):
    said, source = [], Counted()
    found = [CachedSource(source, OPTIONS).read("x", replace(ground, voice=Voice(said.append))) for _ in range(3)]
    assert source.calls == 1 and said == ["reading x"] * 3
    assert all(one.pairs.equals(found[0].pairs) and one.counts == {"read": 1} for one in found)


def changed_domain(ground, **more):
    return replace(ground, domain=replace(ground.domain, **more))


MISSES = {
    "seed": lambda g: replace(g, seed=1),
    "base model": lambda g: replace(g, embed=Embed("other")),
    "forms": lambda g: replace(g, form=Forms([{"form": "colour", "pattern": "red"}])),
    "a document": lambda g: changed_domain(g, corpus=Corpus(CORPUS.ids, CORPUS.titles, ["new", *CORPUS.texts[1:]])),
    # The passage, title and text in a row, stays the same.
    "a title": lambda g: changed_domain(
        g, corpus=Corpus(CORPUS.ids, ["red", *CORPUS.titles[1:]], [f"blue horn {CORPUS.texts[0]}", *CORPUS.texts[1:]])
    ),
    "a judgment": lambda g: changed_domain(g, splits={"train": replace(JUDGED, qrels={"1": {"d0": 2}}), "dev": JUDGED}),
    "a slice": lambda g: changed_domain(g, splits={"train": replace(JUDGED, columns={"query_kind": ["a", None]})}),
    "a count": lambda g: changed_domain(g, counts={"removed_documents_by_restriction": 1}),
}


@pytest.mark.parametrize("change", MISSES)
def test_a_changed_ground_is_read_anew(ground, change):
    assert calls(ground, (MISSES[change](ground), OPTIONS)) == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (OPTIONS | {"min_score": 0.5}, 2),
        (OPTIONS | {"parts": dict(reversed(OPTIONS["parts"].items()))}, 2),  # filters apply in their order
        (OPTIONS | {"speed": 4}, 1),
    ],
)
def test_options_count_where_they_decide(ground, options, expected):
    assert calls(ground, (ground, options)) == expected


def test_the_name_and_what_is_read_count(ground):
    first, second = Counted(("1",)), Counted(("2",))
    for source, name in ((first, "x"), (second, "x"), (first, "y")):
        CachedSource(source, OPTIONS).read(name, ground)
    assert first.calls == 2 and second.calls == 1
    assert CachedSource(first, OPTIONS).read("y", ground).pairs["source"].to_list() == ["y"]


@pytest.mark.parametrize(("after_others", "expected"), [(True, 2), (False, 1)])
def test_the_pairs_of_others_count_for_those_that_learn_from_them(ground, after_others, expected):
    some = as_pairs(pl.DataFrame({"query": ["a"], "doc_id": ["d1"]}), "labels")
    other = replace(ground, others=some)
    assert calls(replace(ground, others=some.head(0)), (other, OPTIONS), after_others=after_others) == expected


def test_what_is_not_wholly_known_is_read_every_time(ground):
    foreign = OPTIONS | {"parts": {"mine": [{"_target_": "mine.Filter"}]}}
    assert calls(ground, (ground, foreign), options=foreign) == 2
    assert calls(ground, (ground, OPTIONS), contents=None) == 2
    unnamed = replace(ground, embed=lambda texts, kind: None)
    assert calls(unnamed, (unnamed, OPTIONS)) == 2
    assert not list(ground.cache.root.glob("sources/*"))


def _read(root):
    class Slow(Counted):
        def read(self, name, ground):
            with open(root / "calls", "a") as calls:
                calls.write("1")
            time.sleep(0.3)
            return super().read(name, ground)

    domain = Domain("toy", CORPUS, {})
    found = CachedSource(Slow(), OPTIONS).read("x", Ground(domain, Embed(), Cache(root / "cache"), 0))
    assert found.pairs.height == 1


def test_two_processes_read_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_read, args=(tmp_path,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0] and (tmp_path / "calls").read_text() == "1"


def equal(one: Yielded, other: Yielded) -> bool:
    """Whether two yields are the same in every part, whatever must still be worked out."""
    for name in ("pairs", "negatives", "rejected"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None) and (a is None or (a.equals(b) and a.schema == b.schema)), name
    for name in ("documents", "counts", "simulated"):
        assert getattr(one, name) == getattr(other, name), name
    assert list(one.notices) == list(other.notices) and list(one.unlabelled) == list(other.unlabelled)
    assert (one.removed_rows is None) == (other.removed_rows is None)
    if one.removed_rows is not None:
        assert pl.read_parquet(one.removed_rows).equals(pl.read_parquet(other.removed_rows))
    return True


def thrice(source, ground, options=OPTIONS):
    """Read plainly, then twice through the cache, cold and warm."""
    kept = [CachedSource(source, options).read("x", ground) for _ in range(2)]
    assert len(list(ground.cache.root.glob("sources/*"))) == 1
    return source.read("x", ground), *kept


def log(path, clicked_at=1):
    rows = [
        {"impression_id": f"{n}", "ts_ms": n, "query_raw": f"horn {n % 7}", "doc_id": f"d{(n * k) % 30}",
         "position": k, "clicked": k == clicked_at or n % 5 == k, "is_bot": n == 0}
        for n in range(60) for k in (1, 2, 3)
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(path)
    return path


def test_clicks_come_back_with_their_diagnosis(tmp_path, ground):
    source = click_source(log(tmp_path / "log.parquet"), keep_removed=True)
    plain, cold, warm = thrice(source, ground)
    assert equal(plain, cold) and equal(plain, warm) and plain.removed_rows is not None
    found = [vars(one.diagnosis()) | {"ctr": None, "support": None} for one in (plain, cold, warm)]
    assert repr(found[0]) == repr(found[1]) == repr(found[2]), "by repr, for NaN is not equal to itself"
    tables = [{"ctr": d.ctr, **d.support} for d in (one.diagnosis() for one in (plain, cold, warm))]
    for one in tables[1:]:
        assert one.keys() == tables[0].keys() and all(one[name].equals(tables[0][name]) for name in one)


def test_a_log_with_other_rows_is_read_anew(tmp_path, ground):
    source = click_source(log(tmp_path / "log.parquet"))
    before = CachedSource(source, OPTIONS).read("x", ground)
    log(tmp_path / "log.parquet", clicked_at=2)
    assert not CachedSource(source, OPTIONS).read("x", ground).pairs.equals(before.pairs)


def test_files_come_back_with_negatives_and_documents(tmp_path, ground):
    path = tmp_path / "pairs.jsonl"
    line = '{"query": "loud", "text": "A quite new document", "negatives": ["d3"], "weight": 0.1}\n'
    path.write_text(line + '{"query": " ", "doc_id": "d1"}\n')
    plain, cold, warm = thrice(FileSource(str(path)), ground)
    assert equal(plain, cold) and equal(plain, warm) and plain.documents is not None and plain.negatives is not None
    path.write_text(line.replace("loud", "shrill"))
    assert CachedSource(FileSource(str(path)), OPTIONS).read("x", ground).pairs["query"].to_list() == ["shrill"]


def test_written_queries_come_back_with_their_quality_and_what_was_said(ground):
    said: list[str] = []
    ground = replace(ground, voice=Voice(said.append))
    source = SyntheticSource(RulesGenerator({"asked": 1, "mixed": 1}), 20, 2, {"c": CopiesTitle()}, Targeted())
    plain, cold, warm = thrice(source, ground)
    assert equal(plain, cold) and equal(plain, warm) and plain.rejected.schema == warm.rejected.schema
    assert repr(plain.quality()) == repr(cold.quality()) == repr(warm.quality())
    third = len(said) // 3
    assert third and said == said[:third] * 3


def test_models_that_keep_their_own_answers_are_asked(ground):
    rules = RulesGenerator({"asked": 1})
    assert SyntheticSource(rules).contents(ground) is not None
    assert SyntheticSource(rules, filters={"judge": CrossEncoder("some/model")}).contents(ground) is None
    assert SyntheticSource(object()).contents(ground) is None
