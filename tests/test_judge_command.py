"""``python -m shoptalk.judge``, from a click log to a collection, on a small domain with small models."""

import csv
import json
import re
import signal
import subprocess
import sys

import polars as pl
import pytest
import tiny_domain
import tiny_run
from asking import Client
from composing import CONF
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from tiny_models import bert

from shoptalk import judge
from shoptalk.cache import Cache
from shoptalk.domain.beir import Beir
from shoptalk.judging.sampling import Sampling
from shoptalk.models.encoder import Encoder
from shoptalk.retrieval.bm25 import BM25
from shoptalk.retrieval.dense import Dense
from shoptalk.sources.clicks.cleaning import Cleaning
from shoptalk.sources.clicks.privacy import Privacy


def write_log(path, queries):
    """The n-th of ``queries`` is asked by n + 2 people, who are shown three documents."""
    rows = [
        {"impression_id": f"{n}-{user}", "ts_ms": 1_700_000_000_000 + 60_000 * user, "query_raw": query,
         "doc_id": f"d{n + place}", "position": place, "clicked": place == 2, "user_key": f"u{user}"}
        for n, query in enumerate(queries)
        for user in range(n + 2)
        for place in (1, 2, 3)
    ]  # fmt: skip
    pl.DataFrame(rows).cast({"position": pl.Int16}).write_parquet(path)


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """A domain whose documents are all different, a log of 20 queries of which 2 are judged already, two models."""
    folder = tmp_path_factory.mktemp("judge")
    tiny_domain.write(folder / "domain")
    judged = [json.loads(line)["text"] for line in (folder / "domain" / "queries.jsonl").read_text().splitlines()]
    corpus = [json.loads(line)["text"] for line in (folder / "domain" / "corpus.jsonl").read_text().splitlines()]
    write_log(folder / "log.parquet", [*(f"{text} {n}" for n, text in enumerate(corpus[:18])), judged[0], judged[-1]])
    bert(folder / "base")
    tiny_run.adapted(folder / "base" / "st", folder / "adapted")
    tiny_run.write(folder / "run", folder / "domain", folder / "base" / "st", folder / "adapted")
    return folder


@pytest.fixture
def fixed(ground):
    options = ["domain=beir", f"domain.path={ground / 'domain'}", f"log={ground / 'log.parquet'}", "threads=1"]
    options += [
        f"model.name={ground / 'base' / 'st'}",
        "depth=4",
        "sampling.queries=12",
        f"cache.root={ground / 'cache'}",
    ]
    return [*options, "port=0", "position_base=1"]


@pytest.fixture
def command(fixed, monkeypatch, tmp_path, capsys):
    """``command(*overrides)`` runs the program in this process: its exit code, and what it printed."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*overrides):
        monkeypatch.setattr(sys, "argv", ["judge", *fixed, *overrides])
        code = 0
        try:
            judge.main()
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    return run


def table(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def graded(path, out, grade):
    """The CSV file at ``path`` with grades, as ``out``."""
    rows = [row | {"grade": grade(n, row)} for n, row in enumerate(table(path))]
    with open(out, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return rows


def test_pools_are_what_the_arms_find_and_the_judge_sees_no_arm(command, ground, tmp_path):
    code, said = command("out=set", "export=sheet.csv", f"run={ground / 'run'}")
    assert code == 0, said.err
    rows = table(tmp_path / "sheet.csv")
    found = {}
    for row in rows:
        found.setdefault((row["query_id"], row["query"]), []).append(row["doc_id"])
    assert len(found) == 12 and "2 queries with" in said.out and "judged in the domain already" in said.out
    corpus = Beir(str(ground / "domain")).load(Cache(ground / "cache")).corpus
    arms = [BM25(corpus.passages)]
    for model in (ground / "base" / "st", ground / "adapted"):
        encoder = Encoder.load(str(model))
        arms.append(Dense(encoder.embed, encoder.embed(corpus.passages, "document")))
    tops = [[{corpus.ids[r] for r in arm([query], 4).rows[0] if r >= 0} for arm in arms] for _, query in found]
    assert [set(documents) for documents in found.values()] == [set.union(*top) for top in tops]
    assert all(any(top[n] - set.union(*top[:n], *top[n + 1 :]) for top in tops) for n in range(3))
    assert not re.search(r"bm25|base|adapted|run|score|rank", (tmp_path / "sheet.csv").read_text())
    # Whichever arm is pooled when, the order is the same.
    command("out=other", "export=first.csv")
    code, said = command("out=other", "export=other.csv", f"run={ground / 'run'}")
    assert "of them new" in said.out and table(tmp_path / "other.csv") == rows
    assert len(table(tmp_path / "first.csv")) < len(rows)


def test_from_a_sheet_to_a_collection_and_a_second_judge(command, ground, tmp_path):
    command("out=set", "export=sheet.csv")
    rows = graded(tmp_path / "sheet.csv", tmp_path / "one.csv", lambda n, row: n % 4)
    code, said = command("out=set", "import=one.csv", "dev_share=0.5")
    assert code == 0, said.err
    assert f"{len(rows):,} new" in said.out and "12 graded" in said.out and "domain.path=set" in said.out
    domain = Beir("set").load(Cache("cache"))
    assert {q: dict(found) for split in domain.splits.values() for q, found in split.qrels.items()} == {
        query_id: {row["doc_id"]: row["grade"] for row in rows if row["query_id"] == query_id}
        for query_id in {row["query_id"] for row in rows}
    }
    assert set(domain.splits) == {"dev", "test"}
    weights = table(tmp_path / "set" / "weights.csv")
    for split in ("dev", "test"):
        part = [row for row in weights if row["split"] == split]
        assert sum(1 / float(row["inclusion_probability"]) for row in part) <= 18 + 1e-9
    # The second judge is asked for a part, begins with what the first was asked first, and sees no grade.
    code, said = command("out=set", "judge=abe", "overlap=0.25", "export=part.csv")
    part = table(tmp_path / "part.csv")
    assert [row["query_id"] for row in part] == [row["query_id"] for row in rows[: len(part)]]
    assert len({row["query_id"] for row in part}) == 3 and {row["grade"] for row in part} == {""}
    graded(tmp_path / "part.csv", tmp_path / "two.csv", lambda n, row: min(3, n % 4 + (n % 3 == 0)))
    code, said = command("out=set", "judge=abe", "overlap=0.25", "import=two.csv")
    assert "first and abe graded" in said.out and "Cohen's kappa 0." in said.out and "Judges differ on" in said.out
    told = json.loads((tmp_path / "set" / "agreement.json").read_text())["abe"]
    assert told["documents"] == len(part) and told["kappa"] < told["linear"] < 1


def test_queries_of_a_file(command, tmp_path):
    (tmp_path / "queries.txt").write_text("bada gebi\nlolo\n<script>alert(1)</script>\nשלום\n")
    code, said = command("out=set", "queries=queries.txt", "log=null", "export=sheet.csv")
    assert code == 0, said.err
    assert {row["query"] for row in table(tmp_path / "sheet.csv")} == {
        "bada gebi", "lolo", "<script>alert(1)</script>", "שלום"
    }  # fmt: skip


@pytest.mark.parametrize(
    "overrides, words",
    [
        ([], ["out is not set"]),
        (["out=set", "run=/nowhere"], ["run=/nowhere is not an existing folder"]),
        (["out=set", "log=null"], ["log and queries are not set"]),
        (["out=set", "log=/nowhere.parquet"], ["/nowhere.parquet"]),
        (["out=set", "queries=x.txt"], ["queries and log are both set"]),
        (["out=set", "queries=x.txt", "log=null"], ["x.txt does not exist"]),
        (["out=set", "sampling.queries=2"], ["sampling.queries=2 is too few"]),
        (["out=set", "sampling.power=2"], ["sampling.power=2"]),
        (["out=set", "depth=0"], ["depth=0"]),
        (["out=set", "overlap=0"], ["overlap=0"]),
        (["out=set", "dev_share=1"], ["dev_share=1"]),
        (["out=set", "judge=a/b"], ["judge=a/b"]),
        (["out=set", "export=a.csv", "import=b.csv"], ["export and import"]),
        (["out=set", "import=/nowhere.csv"], ["import=/nowhere.csv"]),
        (["out=set", "port=70000"], ["port=70000"]),
        (["out=file"], ["out=file", "something else"]),
        (["out=file/set"], ["out=file/set", "cannot be written"]),
    ],
)
def test_a_mistake_is_one_sentence(command, tmp_path, overrides, words):
    (tmp_path / "file").touch()
    code, said = command(*overrides)
    assert code == 1
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert all(word in said.err for word in words), said.err
    assert not (tmp_path / "set" / "judging.json").exists() or {"import=/nowhere.csv", "port=70000"} & set(overrides)


def test_other_options_are_another_set(command):
    command("out=set", "export=a.csv")
    code, said = command("out=set", "export=a.csv", "seed=1")
    assert code == 1 and "out=set was drawn with seed=0, not 1" in said.err


def test_the_log_is_the_same_by_either_option(command, ground, tmp_path, monkeypatch):
    assert command("out=set", "export=a.csv")[0] == 0
    log = ground / "log.parquet"
    monkeypatch.chdir(ground)
    for same in (["log=null", f"domain.log={log}"], ["log=log.parquet"]):
        code, said = command(f"out={tmp_path / 'set'}", f"export={tmp_path / 'a.csv'}", *same)
        assert code == 0, said.err
    code, said = command(f"out={tmp_path / 'set'}", "log=null")
    assert code == 1 and f"was drawn with log={log}, not none; give that" in said.err


def test_the_config_holds_the_classes_own_defaults():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("judge")
    assert set(cfg.sampling) - {"_target_"} == set(Sampling.__dataclass_fields__)
    sampling, default = instantiate(cfg.sampling), Sampling()
    assert sampling.queries == default.queries and sampling.power == default.power
    assert sampling.head == pytest.approx(default.head, abs=1e-3) and instantiate(cfg.cleaning) == Cleaning()
    assert instantiate(cfg.privacy) == Privacy()


class Served:
    """The program in its own process, its page asked."""

    def __init__(self, fixed, *overrides):
        command = [sys.executable, "-m", "shoptalk.judge", *fixed, *overrides, "progress=false"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("Open http://127.0.0.1:"), line + self.process.stderr.read()
        self.client = Client(line.split()[1])

    def end(self, how):
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=300)
        return self.process.returncode, out, err


@pytest.mark.slow
def test_a_killed_sitting_is_taken_up_again(fixed, tmp_path):
    options = [*fixed, f"out={tmp_path / 'set'}"]
    one = Served(options)
    given = {}
    for _ in range(2):
        found = one.client.found("/api/query")
        assert set(found) == {"progress", "number", "query_id", "query", "state", "documents"}
        for n, document in enumerate(found["documents"]):
            assert set(document) == {"id", "title", "text", "grade"}
            given[found["query_id"], document["id"]] = n % 4
            one.client.found("/api/grade", {"query_id": found["query_id"], "doc_id": document["id"], "grade": n % 4})
    assert one.end(signal.SIGKILL)[0] == -signal.SIGKILL
    with open(tmp_path / "set" / "grades" / "first.jsonl", "a") as journal:
        journal.write('{"act": "grade", "query_id')
    two = Served(options)
    found = two.client.found("/api/query")
    assert found["number"] == 3 and found["progress"]["documents_graded"] == len(given)
    two.client.found("/api/undo", {})
    assert two.client.found("/api/query")["number"] == 2
    code, out, err = two.end(signal.SIGINT)
    assert code == 0 and "Stopped with 1 of 12 queries graded; the same command goes on" in out and not err
    lines = [line for p in (tmp_path / "set" / "qrels").iterdir() for line in p.read_text().splitlines()[1:]]
    assert lines == [f"{q}\t{d}\t{g}" for (q, d), g in given.items() if q == next(iter(given))[0]]


@pytest.mark.slow
def test_as_a_module(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "shoptalk.judge"], capture_output=True, text=True, cwd=tmp_path, timeout=300
    )
    assert result.returncode == 1 and result.stderr.startswith("error: out is not set") and not list(tmp_path.iterdir())
