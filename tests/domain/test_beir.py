import json
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from shoptalk.configs import root
from shoptalk.domain.beir import NO_DEV, Beir
from shoptalk.errors import InputError

CORPUS = [{"_id": f"d{at}", "title": f"title {at}", "text": f"text {at}"} for at in range(10)]
QUERIES = [{"_id": f"q{at}", "text": f"query {at}"} for at in range(40)]
HEADER = "query-id\tcorpus-id\tscore\n"


def qrels(numbers):
    return HEADER + "".join(f"q{at}\td{at % 10}\t{at % 3 + 1}\n" for at in numbers)


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def write(tmp_path):
    def written(**files: str | bytes | None) -> Path:
        given = {"corpus.jsonl": lines(CORPUS), "queries.jsonl": lines(QUERIES), "test": qrels(range(5)), **files}
        folder = tmp_path / "shop"
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        for name, content in given.items():
            path = folder / name if "." in name else folder / "qrels" / f"{name}.tsv"
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return written


def test_a_collection_with_all_three_splits(write, cache):
    domain = Beir(str(write(train=qrels(range(10, 40)), dev=qrels(range(5, 10))))).load(cache)
    assert domain.name == "shop"
    assert domain.corpus.ids == [row["_id"] for row in CORPUS]
    assert {name: len(split) for name, split in domain.splits.items()} == {"train": 30, "dev": 5, "test": 5}
    assert domain.splits["test"].qrels["q2"] == {"d2": 3}
    assert domain.splits["test"].texts[2] == "query 2"
    assert (domain.intents, domain.log, domain.notices, domain.splits["test"].columns) == (None, None, [], {})
    assert domain.counts["judgments_train"] == 30


def test_the_header_line_is_optional(write, cache):
    bare = Beir(str(write(test=qrels(range(5)).removeprefix(HEADER)))).load(cache)
    headed = Beir(str(write(test=qrels(range(5))))).load(cache)
    assert bare.splits == headed.splits
    assert bare.identity == headed.identity


def test_a_missing_dev_is_carved_from_train_by_seed(write, cache):
    queries = [{"_id": f"q{at}", "text": f"Query {at // 2}" + "!" * (at % 2)} for at in range(40)]
    path = str(write(**{"queries.jsonl": lines(queries)}, train=qrels(range(10, 40))))
    first, again, other = (Beir(path, seed=seed).load(cache) for seed in (0, 0, 1))
    assert first.splits == again.splits
    assert first.splits["dev"].ids != other.splits["dev"].ids
    for domain in (first, other):
        train, dev = domain.splits["train"], domain.splits["dev"]
        assert sorted([*train.ids, *dev.ids]) == sorted(f"q{at}" for at in range(10, 40))
        assert len(dev) == domain.counts["dev_carved_from_train"] == 6
        assert not {t.rstrip("!") for t in train.texts} & {t.rstrip("!") for t in dev.texts}
        assert "6 queries of train" in domain.notices[0]
    assert len(Beir(path, dev_max=1).load(cache).splits["dev"]) == 2


@pytest.mark.parametrize("train", [None, qrels([7])])
def test_without_enough_to_carve_there_is_no_dev(write, cache, train):
    domain = Beir(str(write(train=train))).load(cache)
    assert "dev" not in domain.splits
    assert domain.notices == [NO_DEV]


def test_kinds_and_unanswered_queries(write, cache):
    queries = [{**row, "metadata": {"query_kind": "jargon"}} if at % 2 else row for at, row in enumerate(QUERIES)]
    domain = Beir(str(write(**{"queries.jsonl": lines(queries)}, test="q0\td0\t1\nq1\td1\t0\nq3\td1\t2\n"))).load(cache)
    assert domain.splits["test"].ids == ["q0", "q3"]
    assert domain.splits["test"].columns == {"query_kind": [None, "jargon"]}
    assert domain.counts["removed_unanswered_test"] == 1
    assert any("1 queries without" in notice for notice in domain.notices)


def test_text_fields_of_metadata_become_columns_unless_they_tell_queries_apart_too_finely(write, cache):
    fields = [{"team": "ab"[at % 2], "page": f"p{at}", "rank": at, "query": "x", "ndcg@10": "y"} for at in range(40)]
    queries = [
        {**row, "metadata": some if at else {}} for at, (row, some) in enumerate(zip(QUERIES, fields, strict=True))
    ]
    domain = Beir(str(write(**{"queries.jsonl": lines(queries)}, test=qrels(range(30))))).load(cache)
    assert domain.splits["test"].columns == {"team": [None, *("ab"[at % 2] for at in range(1, 30))]}
    assert any("29 values of 'page'" in notice for notice in domain.notices)


def test_the_corpus_may_be_a_csv_file(write, cache):
    folder = write(**{"corpus.jsonl": None, "corpus.csv": "_id,text\n" + "".join(f"d{at},text\n" for at in range(10))})
    assert len(Beir(str(folder)).load(cache).corpus) == 10


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"corpus.jsonl": None}, "lacks a corpus"),
        ({"queries.jsonl": None}, r"queries\.jsonl does not exist"),
        ({"test": None}, r"test\.tsv does not exist"),
        ({"corpus.jsonl": '{"_id": "d0", "text": "x"}\n{"_id"'}, r"corpus\.jsonl, line 2: not valid JSON"),
        (
            {"corpus.jsonl": lines([*CORPUS, CORPUS[0]])},
            r"corpus\.jsonl, line 11: the document id 'd0' stands at line 1",
        ),
        ({"corpus.jsonl": lines([*CORPUS, {"_id": "e", "text": ""}])}, "line 11: the document 'e' is empty"),
        ({"queries.jsonl": '{"_id": "q0", "text": "x"}\n{}'}, r"queries\.jsonl, line 2: no column '_id'"),
        ({"queries.jsonl": lines([*QUERIES, QUERIES[3]])}, r"queries\.jsonl, line 41: the query id 'q3'"),
        ({"queries.jsonl": lines([{"_id": "q0", "text": " "}])}, r"queries\.jsonl, line 1: the query 'q0' is empty"),
        (
            {"queries.jsonl": lines([QUERIES[0], {"_id": "q1", "txt": "x"}])},
            r"queries\.jsonl, line 2: no column 'text' \(there are: '_id', 'txt'\); give every query a text\.",
        ),
        ({"queries.jsonl": '{"_id": "q0", "\\ud800": 1}'}, r"there are: '_id', '\\ud800'\)"),
        ({"queries.jsonl": "\n"}, "holds no query"),
        ({"test": HEADER + "q0\td0\t1\nq1\tnone\t1\n"}, r"test\.tsv, line 3: the document 'none' is not in the corpus"),
        (
            {"test": HEADER + "q0\td0\t1\nnone\td0\t1\n"},
            r"test\.tsv, line 3: the query 'none' is not in queries\.jsonl",
        ),
        ({"test": HEADER + "q0\td0\tgood\n"}, r"test\.tsv, line 2: the grade 'good' is not possible"),
        ({"test": "q0\td0\tgood\n"}, r"test\.tsv, line 1: the grade 'good' is not possible"),
        ({"test": "q0\td0\t1.5\n"}, "line 1: the grade '1.5' is not possible"),
        ({"test": "q0\td0\t-1\n"}, "the grade '-1' is not possible; grades are whole numbers from 0"),
        ({"test": "q0\td0\t99999999999\n"}, "the grade '99999999999' is not possible"),
        ({"test": "q0 d0 1\n"}, "line 1: 1 columns; write query id, document id and grade with tabs"),
        ({"test": "q0\td0\t1\nq0\td0\t2\n"}, "line 2: 'q0' and 'd0' were given another grade"),
        ({"test": HEADER}, r"test\.tsv: holds no judgment"),
        ({"train": ""}, r"train\.tsv: holds no judgment"),
        ({"test": "q0\td0\t0\n"}, "no query has a document with a grade above 0"),
        ({"test": b"q0\td0\t1\nq\xff\td0\t1\n"}, r"test\.tsv, line 2: not UTF-8"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_place(write, cache, files, said):
    with pytest.raises(InputError, match=said) as caught:
        Beir(str(write(**files))).load(cache)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"path": ""}, "domain.path="),
        ({"path": "nowhere"}, "domain.path=nowhere is not an existing folder"),
        ({"seed": "x"}, "domain.seed=x"),
        ({"dev_share": 1}, "domain.dev_share=1"),
        ({"dev_max": 0}, "domain.dev_max=0"),
        ({"log": "nowhere"}, "domain.log=nowhere"),
    ],
)
def test_bad_settings_are_one_sentence(write, cache, given, said):
    with pytest.raises(InputError, match=said):
        Beir(**{"path": str(write()), **given}).load(cache)


def test_the_config_builds_the_domain_with_its_defaults():
    config = OmegaConf.load(root() / "conf" / "domain" / "beir.yaml")
    assert OmegaConf.is_missing(config, "path")
    config.path = "somewhere"
    assert vars(instantiate(config)) == vars(Beir("somewhere"))
