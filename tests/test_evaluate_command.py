"""``python -m shoptalk.evaluate``, on a small BEIR folder with small models."""

import json
import re
import shutil
import subprocess
import sys

import polars as pl
import pytest
from embedding_server import embedding
from omegaconf import OmegaConf
from tiny_models import bert, classifier, texts

from shoptalk import evaluate
from shoptalk.retrieval.metrics import MEASURES
from shoptalk.retrieval.significance import compare

COUNT = 60


def write(folder, splits):
    """A BEIR folder in which a query is the beginning of its document, so that words find it and tiny models hardly."""
    documents = dict.fromkeys(texts(COUNT + 40, longest=9, seed=7))
    documents = [text for text in documents if len(text.split()) > 2][:COUNT]
    (folder / "qrels").mkdir(parents=True)
    lines = [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(documents)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    queries = {}
    for split in splits:
        rows = []
        for i in range(0 if split != "test" else 20, 40 if split != "test" else 60):
            queries[f"{split}{i}"] = " ".join(documents[i].split()[: 1 if i % 4 == 0 else 2]) + f" {split}"
            rows.append(f"{split}{i}\td{i}\t1")
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(rows) + "\n")
    lines = [{"_id": query_id, "text": text} for query_id, text in queries.items()]
    (folder / "queries.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    write(folder / "domain", ("dev", "test"))
    write(folder / "test_only", ("test",))
    made = {"tiny": bert(folder / "bert"), "cross": classifier(folder / "cross")}
    for name in ("run_a", "run_b"):
        (folder / name).mkdir()
        shutil.copytree(made["tiny"], folder / name / "model")
        domain = {"_target_": "shoptalk.domain.beir.Beir", "path": str(folder / "domain"), "seed": 0}
        domain |= {"dev_share": 0.2, "dev_max": 300, "log": None}
        OmegaConf.save(OmegaConf.create({"run": {"name": "s0"}, "domain": domain}), folder / name / "config.yaml")
    return folder, made


@pytest.fixture
def command(ground, monkeypatch, tmp_path, capsys):
    """``command(*overrides)`` runs the program in this process: its exit code, and what it printed."""
    folder, _ = ground
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*overrides, domain="domain"):
        fixed = ["domain=beir", f"domain.path={folder / domain}", "threads=1", f"cache.root={folder / 'cache'}"]
        monkeypatch.setattr(sys, "argv", ["evaluate", *fixed, "out=found", "device=cpu", *overrides])
        code = 0
        try:
            evaluate.main()
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    return run


def found(tmp_path, out="found"):
    return json.loads((tmp_path / out / "evaluation.json").read_text()), pl.read_parquet(
        tmp_path / out / "per_query.parquet"
    )


def test_the_best_of_dev_and_the_baseline_alone_are_measured_on_test(command, tmp_path, ground):
    tiny, run = ground[1]["tiny"], ground[0] / "run_a"
    re_ranked = f"{{arm: 'bm25|{ground[1]['cross']}', name: ce}}"
    code, said = command(f"models=[{{arm: {tiny}, name: tiny}},bm25,bm25+{run},{re_ranked}]", "baseline=tiny")
    assert code == 0, said.err
    told, table = found(tmp_path)
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [
        "config.yaml", "evaluation.json", "per_query.parquet", "ranked.parquet", "report.html"
    ]  # fmt: skip
    arms = ["tiny", "bm25", "bm25+s0", "ce"]
    assert list(told["dev"]) == arms and told["chosen_on"] == "dev" and told["baseline"] == "tiny"
    dev = {arm: table.filter(split="dev", arm=arm) for arm in arms}
    winner = max(arms, key=lambda arm: dev[arm]["ndcg@10"].mean())
    assert told["winner"] == winner != "tiny"
    # Nobody else's results on test may have been looked at.
    assert set(table.filter(split="test")["arm"]) == {"tiny", winner} == set(told["test"])
    assert set(told["over_baseline"]["test"]) == {winner}
    for arm in arms:
        assert dev[arm]["query_id"].to_list() == [f"dev{i}" for i in range(40)]
        assert all(told["dev"][arm][measure] == pytest.approx(dev[arm][measure].mean()) for measure in MEASURES)
    over = compare(*(table.filter(split="test", arm=arm)["ndcg@10"].to_numpy() for arm in (winner, "tiny")))
    assert told["over_baseline"]["test"][winner]["p_value"] == over.p_value
    line = " ".join(said.out.split())
    assert f"{winner} is best on dev with {told['dev'][winner]['ndcg@10']:.3f} nDCG@10." in line
    assert f"Test, read for it and tiny alone: {winner} has {told['test'][winner]['ndcg@10']:.3f}" in line
    assert all(arm in said.out for arm in arms) and "40 queries of dev, means" in line and "of test, means" not in line
    config = OmegaConf.load(tmp_path / "found/config.yaml")
    assert config.threads == 1 and config.domain.path.endswith("domain")


def test_a_baseline_that_wins_is_read_on_test_alone(command, tmp_path, ground):
    code, said = command(f"models=[bm25,{ground[1]['tiny']}]")
    told, table = found(tmp_path)
    assert code == 0 and told["winner"] == told["baseline"] == "bm25"
    assert set(table.filter(split="test")["arm"]) == {"bm25"} and told["over_baseline"]["test"] == {}
    assert "it is the baseline, so test is read for it alone" in " ".join(said.out.split())


def test_without_dev_all_are_measured_on_test_and_nothing_is_chosen(command, tmp_path, ground):
    code, said = command(f"models=[bm25,{ground[1]['tiny']}]", domain="test_only")
    told, table = found(tmp_path)
    assert code == 0 and told["winner"] is None and told["chosen_on"] is None and "dev" not in told
    assert table["split"].unique().to_list() == ["test"] and table["arm"].n_unique() == 2
    assert "There is no dev split: all are measured on test, and nothing is chosen." in " ".join(said.out.split())


def test_a_second_evaluation_finds_the_same_without_a_model_at_work(command, tmp_path, ground, monkeypatch):
    from shoptalk.models.encoder import Encoder

    models = f"models=[bm25,{ground[1]['tiny']}]"
    assert command(models)[0] == 0
    monkeypatch.setattr(Encoder, "embed_ids", lambda *_, **__: pytest.fail("embedded again"))
    assert command(models, "out=again")[0] == 0
    first, second = found(tmp_path), found(tmp_path, "again")
    assert first[1].equals(second[1])
    assert {**first[0], "seconds": 0} == {**second[0], "seconds": 0}


def test_runs_called_alike_stand_apart_and_a_baseline_may_be_named_as_it_was_given(command, tmp_path, ground):
    a, b = ground[0] / "run_a", ground[0] / "run_b"
    code, said = command(f"models=[{a},{b},bm25]", f"baseline={b}")
    assert code == 0, said.err
    told, _ = found(tmp_path)
    assert list(told["dev"]) == [f"s0 ({a})", f"s0 ({b})", "bm25"] and told["baseline"] == f"s0 ({b})"
    same = told["over_baseline"]["dev"][f"s0 ({a})"]
    assert (same["ndcg@10"], same["verdict"], same["ties"]) == (0.0, "inconclusive", 40)


def test_an_endpoint_is_an_arm_and_its_price_is_said(command, tmp_path):
    with embedding() as server:
        api = f"{{arm: api, name: vendor, model: big, url: {server.url}, price: 0.1}}"
        code, said = command(f"models=[bm25,{api}]")
        assert code == 0, said.err
        paid = dict(server.paid)
        code, _ = command(f"models=[bm25,{api}]", "out=again")
    assert code == 0 and server.paid == paid and set(paid.values()) == {1}
    assert re.search(r"big at \S+ will get 60 document texts in 1 requests: about \d+ tokens, \S+ in money", said.out)
    assert found(tmp_path)[0]["arms"]["vendor"] == {"dimension": 8}


def test_an_arm_that_finds_nothing_is_noted(command, tmp_path, ground):
    silent = tmp_path / "silent"
    shutil.copytree(ground[0] / "domain", silent)
    queries = [json.loads(line) for line in (silent / "queries.jsonl").read_text().splitlines()]
    lines = [json.dumps({**line, "text": f"zzz{i}"}) + "\n" for i, line in enumerate(queries)]
    (silent / "queries.jsonl").write_text("".join(lines))
    code, said = command("models=[bm25]", f"domain.path={silent}")
    assert code == 1 and "No retriever finds a judged document for any query of dev among 100 results" in said.err
    code, said = command(f"models=[bm25,{ground[1]['tiny']}]", f"domain.path={silent}")
    assert code == 0 and "bm25 finds no judged document for any query of dev." in said.out


@pytest.mark.parametrize(
    "overrides, words",
    [
        (["models=[bm52]"], ["bm52 is not known (did you mean bm25?)"]),
        (["models=[bm25]", "baseline=minilm"], ["baseline=minilm", "bm25"]),
        (["models=[bm25]", "evaluation.audit=true"], ["evaluation.audit=true", "no audit split"]),
        (["models=[bm25]", "domain.path=/nowhere"], ["/nowhere"]),
        (["models=[bm25]", "threads=0"], ["threads=0"]),
        (["models=[bm25]", "device=tpu"], ["device=tpu"]),
        (["models=[bm25]", "out=file/found"], ["out=file/found", "cannot be written"]),
        (["models=[{arm: api, model: big, url: 'http://127.0.0.1:1/v1', tries: 1}]"], ["cannot be reached"]),
        (["models=[bm25|./nowhere]"], ["./nowhere", "no such folder"]),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_and_leaves_nothing(command, tmp_path, overrides, words):
    (tmp_path / "file").touch()
    code, said = command(*overrides)
    assert code == 1
    assert said.err.startswith("error: ") and said.err.count("\n") == 1, said.err
    assert all(word in said.err for word in words), said.err
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize(
    "row, words",
    [("nobody\td1\t1", ["'nobody' is not in queries.jsonl"]), ("dev1\tnothing\t1", ["'nothing' is not in the corpus"])],
)
def test_judgments_of_what_is_not_there_are_refused(command, tmp_path, ground, row, words):
    bad = tmp_path / "bad"
    shutil.copytree(ground[0] / "domain", bad)
    with open(bad / "qrels" / "dev.tsv", "a") as out:
        out.write(row + "\n")
    code, said = command("models=[bm25]", f"domain.path={bad}")
    assert code == 1 and all(word in said.err for word in words) and "dev.tsv, line 41" in said.err


def test_a_run_of_another_domain_is_refused(command, ground):
    code, said = command(f"models=[bm25,{ground[0] / 'run_a'}]", domain="test_only")
    assert code == 1 and "learnt another domain" in said.err and "set domain=" in said.err


def test_nothing_is_overwritten(command):
    assert command("models=[bm25]")[0] == 0
    code, said = command("models=[bm25]")
    assert code == 1 and "out=found holds an evaluation already" in said.err


def test_ctrl_c_is_one_sentence(command, monkeypatch):
    from shoptalk.evaluating import evaluation

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation.Measuring, "all", stopped)
    code, said = command("models=[bm25]")
    assert code == 130 and "run the same command again" in said.err and "Traceback" not in said.err


@pytest.mark.slow
def test_smaller_forms_stand_beside_their_arm_and_one_may_win(command, tmp_path, ground):
    # 32 numbers in float32 take 128 MB for a million documents; in int8 they take 32, and 256 bytes for their ranges.
    tiny = f"{{arm: {ground[1]['tiny']}, name: tiny}}"
    forms = ["efficiency.index_precisions=[fp32,int8]", "efficiency.rounds=1", "efficiency.queries=3"]
    code, said = command(f"models=[bm25,{tiny}]", *forms, "budget.index_mb_per_1m=40")
    assert code == 0, said.err
    told, table = found(tmp_path)
    assert list(told["dev"]) == ["bm25", "tiny", "tiny/int8"] == list(told["costs"])
    assert told["costs"]["tiny/int8"]["index_bytes"] == 32 * COUNT + 256 and told["costs"]["tiny"]["memory_mb"] > 50
    assert told["winner"] == "tiny/int8" and told["budget"]["best"] == "bm25"
    assert set(table.filter(split="test")["arm"]) == {"bm25", "tiny/int8"}
    assert set(told["budget"]["barred"]) == {"bm25", "tiny"} and "would be chosen: on dev it has" in " ".join(
        said.out.split()
    )
    page = (tmp_path / "found/report.html").read_text()
    assert "What they cost" in page and "tiny/int8" in page


def test_a_budget_that_nothing_meets_says_by_how_much_and_keeps_what_was_found(command, tmp_path):
    code, said = command("models=[bm25]", "budget.memory_mb=1")
    assert code == 1 and "No arm meets budget.memory_mb=1: the nearest, bm25, misses memory_mb (" in said.err
    told, table = found(tmp_path)
    assert told["winner"] is None and set(table["split"]) == {"dev"} and (tmp_path / "found/report.html").exists()


def test_what_cannot_meet_a_budget_is_not_even_downloaded(command, tmp_path):
    code, said = command("models=[bm25,qwen3_8b]", "budget.memory_mb=2000", "efficiency.queries=2")
    assert code == 0, said.err
    assert "qwen3_8b is left out before it is read: its weights alone take 3" in said.out
    assert list(found(tmp_path)[0]["dev"]) == ["bm25"]


def test_as_a_module(tmp_path):
    wrong = [sys.executable, "-m", "shoptalk.evaluate", "domain=beir", "domain.path=/nowhere", "models=[bm25]"]
    result = subprocess.run(wrong, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert result.returncode == 1
    assert "/nowhere" in result.stderr and "Traceback" not in result.stderr + result.stdout


def test_help_imports_nothing_heavy():
    code = "import sys; sys.argv = ['e', '--help']\nfrom shoptalk import evaluate\nevaluate.main()\n"
    code += "assert not {'torch', 'polars', 'transformers', 'scipy', 'faiss'} & set(sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and "models" in result.stdout, result.stderr
