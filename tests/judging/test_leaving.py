"""The collection that grades become: as the reader of such collections sees it, and its weights."""

import csv

import pytest
from judging_sets import CORPUS, FACTS, POOL, made, sample

from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir
from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.judging.folder import Folder, check_name
from shoptalk.judging.journal import Journal
from shoptalk.judging.leaving import check_share, leave
from shoptalk.judging.task import Task, share_of, unfinished


def grade(folder, judge, grades, skipped=()):
    journal = Journal(folder.journal(judge))
    journal.acts([{"act": "grade", "query_id": q, "doc_id": d, "grade": g} for (q, d), g in grades.items()])
    for query_id in skipped:
        journal.act("skip", query_id)
    journal.close()


def everything(queries, value=lambda n: n % 4):
    return {(q, d): value(n) for q in queries for n, d in enumerate(POOL[q])}


def weights(folder):
    with open(folder.path / "weights.csv", encoding="utf-8-sig", newline="") as file:
        return {row["query_id"]: row for row in csv.DictReader(file)}


def test_a_collection_is_read_as_it_was_graded(tmp_path):
    folder = made(tmp_path / "set")
    grade(folder, "ann", everything(POOL))
    left = leave(folder, 0.4)
    domain = Beir(str(tmp_path / "set")).load(Cache(tmp_path / "cache"))
    # The reader strips texts and cannot take those of nothing else; ids, order and grades are as given.
    assert list(domain.corpus.ids) == list(CORPUS.ids)
    assert list(domain.corpus.titles) == [title.strip() for title in CORPUS.titles]
    qrels = {q: dict(row) for split in domain.splits.values() for q, row in split.qrels.items()}
    assert qrels == {q: {d: n % 4 for n, d in enumerate(POOL[q])} for q in POOL}
    texts = {q: t for split in domain.splits.values() for q, t in zip(split.ids, split.texts, strict=True)}
    assert texts == {q: text.strip() for q, text in sample().select("query_id", "query").iter_rows()}
    assert {name: len(split) for name, split in domain.splits.items()} == left.splits and set(left.splits) == {
        "dev",
        "test",
    }
    assert left.states == {"graded": 10, "begun": 0, "waiting": 0, "skipped": 0} and left.unanswered == 0
    assert left.grades == dict.fromkeys(range(4), 10)


def test_only_whole_queries_count_and_weights_follow_what_is_done(tmp_path):
    folder = made(tmp_path / "set")
    grade(folder, "ann", everything(["q0", "q2", "q1"]) | {("q3", POOL["q3"][0]): 3}, skipped=["q4"])
    left = leave(folder, 0.0)
    assert left.states == {"graded": 3, "begun": 1, "waiting": 5, "skipped": 1} and left.splits == {"test": 3}
    found = weights(folder)
    assert set(found) == {"q0", "q1", "q2"} and left.covered == {"test": 1.0}
    # q0 and q2 are two of ten queries of the head, q1 is one of fifty of the tail.
    assert [float(found[q]["inclusion_probability"]) for q in ("q0", "q2", "q1")] == pytest.approx([0.2, 0.2, 0.02])
    assert [float(found[q]["weight"]) for q in ("q0", "q2", "q1")] == pytest.approx([5, 5, 50])
    assert [float(found[q]["traffic_weight"]) for q in ("q0", "q2", "q1")] == pytest.approx([150, 150, 100])
    assert found["q1"]["stratum"] == "tail keyword"
    assert sorted(path.name for path in (folder.path / "qrels").iterdir()) == ["test.tsv"]


def test_cells_without_a_graded_query_are_told(tmp_path):
    folder = made(tmp_path / "set")
    grade(folder, "ann", everything(["q1"]))
    assert leave(folder, 0.0).covered == {"test": 0.25}


def test_the_first_judge_decides_and_others_fill_up(tmp_path):
    folder = made(tmp_path / "set")
    grade(folder, "ann", everything(["q0"], lambda n: 1))
    grade(folder, "abe", everything(["q0", "q1"], lambda n: min(n, 1) * 3))
    left = leave(folder, 0.0)
    assert folder.judges() == ["ann", "abe"] and left.disputed == 4 and left.splits == {"test": 2}
    lines = (folder.path / "qrels" / "test.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[2] for line in lines] == ["1"] * 4 + ["0", "3", "3", "3"]


def test_a_split_nobody_could_read_is_not_left_behind(tmp_path):
    folder = made(tmp_path / "set")
    grade(folder, "ann", everything(["q0", "q1"]))
    leave(folder, 0.0)
    assert (folder.path / "qrels" / "test.tsv").is_file()
    grade(folder, "ann", everything(["q0", "q1"], lambda n: 0))
    assert leave(folder, 0.0).unanswered == 2
    assert not list((folder.path / "qrels").iterdir())


def test_a_set_is_opened_with_its_own_options_alone(tmp_path):
    folder = made(tmp_path / "set")
    again = Folder.opened(folder.path, FACTS | {"judge": "abe"})
    assert again.facts["judge"] == "ann" and again.pool == POOL and again.sample.equals(sample())
    for change, words in (({"seed": 1}, "seed=0, not 1"), ({"corpus": "x"}, "other documents")):
        with pytest.raises(InputError, match=words):
            Folder.opened(folder.path, FACTS | change)
    (tmp_path / "other").mkdir()
    assert Folder.opened(tmp_path / "other", FACTS) is None
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(InputError, match="something else"):
        Folder.opened(tmp_path / "other", FACTS)
    for name in ("../ann", "", ".hidden", "a b", "x" * 41, 7, None):
        with pytest.raises(InputError, match="judge="):
            check_name(name)


def test_a_set_is_made_whole_or_not_at_all(tmp_path):
    class Torn(Corpus):
        @property
        def texts(self):
            raise KeyboardInterrupt

        def __init__(self):
            object.__setattr__(self, "ids", ["a"])
            object.__setattr__(self, "titles", ["a"])

    (tmp_path / "set").mkdir()  # an empty folder will do
    with pytest.raises(KeyboardInterrupt):
        Folder.made(tmp_path / "set", FACTS, sample(), Torn())
    assert Folder.opened(tmp_path / "set", FACTS) is None
    folder = Folder.made(tmp_path / "set", FACTS, sample(), CORPUS)
    assert folder.sample.equals(sample()) and folder.pool == {} and [p.name for p in tmp_path.iterdir()] == ["set"]


def test_what_comes_next():
    task, said = Task.of(sample(), POOL), type("Said", (), {"grades": {}, "skipped": set()})()
    assert unfinished(task, said, 0) == 0 and unfinished(task, said, 10) == 0
    said.grades = everything(["q0", "q3"])
    said.skipped = {"q1"}
    assert [unfinished(task, said, after) for after in (0, 2, 3, 9)] == [2, 2, 4, 9]
    said.skipped = set(POOL)
    assert unfinished(task, said, 4) is None
    assert list(Task.of(sample(), POOL, 0.25).texts) == ["q0", "q1"] and list(Task.of(sample(), POOL, 0.01).texts) == [
        "q0"
    ]


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, "x", True, None])
def test_shares_that_cannot_be(value):
    with pytest.raises(InputError, match="dev_share="):
        check_share(value)
    if value != 1 or value is True:
        with pytest.raises(InputError, match="overlap="):
            share_of(value)
