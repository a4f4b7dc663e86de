import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir
from shoptalk.domain.judgments import Domain
from shoptalk.errors import InputError

IDS = st.one_of(st.sampled_from(["a", "b", "c", ""]), st.integers(-2, 3), st.none(), st.booleans(), st.text(max_size=3))
VALUES = st.one_of(st.text(max_size=5), st.none(), st.integers(), st.lists(st.text(max_size=2), max_size=2))
OBJECTS = st.dictionaries(st.sampled_from(["_id", "text", "title", "metadata", "query_kind"]), st.one_of(IDS, VALUES))
GOOD = st.sampled_from([b'{"_id": "a", "text": "x"}', b'{"_id": "b", "title": "y"}', b'{"_id": "c", "text": "z"}'])
LINES = st.one_of(GOOD, GOOD, GOOD, OBJECTS.map(lambda row: json.dumps(row).encode()), st.binary(max_size=12))
GRADES = st.sampled_from(["0", "1", "3", "-1", "x", "1e3", "", "٣", "1_0", "99999999999999999999"])
JUDGMENTS = st.tuples(st.sampled_from(["a", "b", "query-id"]), st.sampled_from(["a", "b", "d", "corpus-id"]), GRADES)
SOUND = st.sampled_from([b"a\ta\t1", b"a\tb\t0", b"b\tb\t2", b"c\ta\t1", b"query-id\tcorpus-id\tscore"])
ROWS = st.one_of(SOUND, SOUND, SOUND, SOUND, JUDGMENTS.map(lambda row: "\t".join(row).encode()), st.binary(max_size=12))
QRELS = st.none() | st.lists(ROWS, min_size=1, max_size=4).map(b"\n".join)


def outcome(files: dict[str, bytes | None]) -> Domain | InputError:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "qrels").mkdir()
        for file, content in files.items():
            if content is not None:
                (folder / file).write_bytes(content)
        try:
            return Beir(name).load(Cache(folder / "cache"))
        except InputError as error:
            return error


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([".jsonl", ".csv", ".parquet"]),
    st.lists(LINES, max_size=4, unique=True).map(b"\n".join),
    st.lists(LINES, max_size=4, unique=True).map(b"\n".join),
    st.tuples(QRELS, QRELS, QRELS),
)
def test_no_input_ends_in_anything_but_a_domain_or_one_sentence(ending, corpus, queries, qrels):
    files = dict(zip(("qrels/train.tsv", "qrels/dev.tsv", "qrels/test.tsv"), qrels, strict=True))
    check(outcome({f"corpus{ending}": corpus, "queries.jsonl": queries, **files}))


@settings(max_examples=300, deadline=None)
@given(st.tuples(QRELS, QRELS, QRELS))
def test_no_judgments_end_in_anything_but_a_domain_or_one_sentence(qrels):
    good = b'{"_id": "a", "text": "x"}\n{"_id": "b", "text": "y"}\n{"_id": "c", "text": "z"}'
    files = dict(zip(("qrels/train.tsv", "qrels/dev.tsv", "qrels/test.tsv"), qrels, strict=True))
    check(outcome({"corpus.jsonl": good, "queries.jsonl": good, **files}))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('_id,text"\n\r\tab', max_size=40).map(str.encode)))
def test_no_csv_ends_in_anything_but_a_domain_or_one_sentence(corpus):
    query = b'{"_id": "a", "text": "x"}'
    check(outcome({"corpus.csv": b"_id,text\n" + corpus, "queries.jsonl": query, "qrels/test.tsv": b"a\ta\t1"}))


def check(found: Domain | InputError) -> None:
    if isinstance(found, InputError):
        assert "\n" not in str(found)
        return
    assert len(set(found.corpus.ids)) == len(found.corpus) > 0
    assert all(found.corpus.passages)
    for split in found.splits.values():
        assert all(split.positives())
        assert len(split) > 0
        assert all(document in found.corpus.index for row in split.qrels.values() for document in row)
