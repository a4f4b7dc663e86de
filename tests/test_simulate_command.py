"""``python -m shoptalk.simulate``, on a small BEIR folder with a small model as its dense ranker."""

import inspect
import subprocess
import sys

import polars as pl
import pytest
import tiny_domain
from composing import CONF, options
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from tiny_models import bert

from shoptalk import simulate, simulated
from shoptalk.sources.clicks.simulation import click_models
from shoptalk.sources.clicks.simulation.world import World

TRUTH = ["intent_id", "query", "doc_id", "times_asked", "times_shown"]


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulate")
    tiny_domain.write(folder / "domain")
    tiny_domain.write(folder / "test_only", splits=("test",))
    return folder, bert(folder / "model")


@pytest.fixture
def command(ground, monkeypatch, tmp_path, capsys):
    """``command(*overrides)`` runs the program in this process: its exit code, and what it printed."""
    folder, model = ground
    monkeypatch.setattr(simulated, "LOGGING_MODEL", str(model))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*overrides, domain="domain"):
        fixed = ["domain=beir", f"domain.path={folder / domain}", "threads=1", f"cache.root={folder / 'cache'}"]
        sizes = ["world.sessions=2_000", "world.users=300", "world.list_length=5", "world.depth=20"]
        monkeypatch.setattr(sys, "argv", ["simulate", *fixed, *sizes, *overrides])
        code = 0
        try:
            simulate.main()
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    return run


def settings(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("simulate", overrides=list(overrides))


def test_a_log_its_truth_beside_it_and_a_table_that_says_simulated(command, tmp_path):
    code, said = command("out=made")
    assert code == 0, said.err
    log, truth = pl.read_parquet(tmp_path / "made/log/log.parquet"), pl.read_parquet(tmp_path / "made/truth/*.parquet")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["log", "truth"]
    assert [path.name for path in (tmp_path / "made/log").iterdir()] == ["log.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert truth.columns == TRUTH
    assert set(truth["intent_id"].str.replace(r"\d+", "")) == {"train"}
    assert truth.unique("intent_id")["times_asked"].sum() == 2_000
    told = " ".join(said.out.split())
    assert "Simulated click log" in told and "the split train" in told and "searchers are not real" in told
    found_nothing = 2_000 - log["impression_id"].n_unique()
    for figure in (log.height, log["clicked"].sum(), found_nothing):
        assert f"{figure:,}" in told
    by_rank = log.group_by("position").agg(pl.col("clicked").mean()).sort("position")["clicked"]
    assert all(f"{rate:.3f}" in told for rate in by_rank)
    assert all(ranker in told for ranker in ("bm25", "dense", "mixture_lexical", "mixture_dense"))
    assert "made/log/log.parquet" in told and "made/truth/truth.parquet" in told
    # Zipf by query: the most asked of 360 queries, which share some texts, has the share 1 / (1 + 1/2 + …).
    asked = truth.unique("intent_id")["times_asked"].max() / 2_000
    assert asked == pytest.approx(1 / sum(1 / r for r in range(1, 361)), abs=0.04)


def test_the_same_seed_gives_the_same_log_and_options_another(command, tmp_path):
    for out, *more in (["a"], ["b"], ["c", "world.seed=1"], ["d", "click_model=cascade"], ["e", "world.zipf=null"]):
        code, said = command(f"out={out}", *more)
        assert code == 0, said.err
    a, b, c, d, e = (pl.read_parquet(tmp_path / out / "log/log.parquet") for out in "abcde")
    assert a.equals(b)
    assert not any(a.equals(other) for other in (c, d, e))
    assert a.drop("clicked", "click_ts_ms", "dwell_s", "last_click", "next_query", "next_query_gap_s").equals(
        d.drop("clicked", "click_ts_ms", "dwell_s", "last_click", "next_query", "next_query_gap_s")
    )


@pytest.mark.parametrize(
    "shape, files",
    [("flat", ["log.csv"]), ("sessions", ["log.jsonl"]), ("ubi", ["ubi_events.jsonl", "ubi_queries.jsonl"])],
)
def test_other_shapes(command, tmp_path, shape, files):
    code, said = command("out=made", f"shape={shape}")
    assert code == 0, said.err
    assert sorted(path.name for path in (tmp_path / "made/log").iterdir()) == files
    assert (tmp_path / "made/truth/truth.parquet").is_file()


def test_evaluation_queries_are_simulated_with_a_warning(command):
    code, said = command("out=made", domain="test_only")
    assert code == 0, said.err
    assert "Training drops all queries of test again" in " ".join(said.out.split())


def test_a_split_by_name(command, tmp_path):
    code, said = command("out=made", "split=dev")
    assert code == 0, said.err
    truth = pl.read_parquet(tmp_path / "made/truth/truth.parquet")
    assert set(truth["intent_id"].str.replace(r"\d+", "")) == {"dev"}


@pytest.mark.parametrize(
    "overrides, words",
    [
        ([], ["out is not set"]),
        (["out=made", "split=audit"], ["split=audit", "train, dev, test"]),
        (["out=made", "world.sessions=0"], ["sessions"]),
        (["out=made", "world.sessions=many"], ["world.sessions=many"]),
        (["out=made", "world.click_model.eta=-1"], ["click_model.eta=-1"]),
        (["out=made", "shape=ubi", "shape.position_base=3"], ["position_base"]),
        (["out=made", "domain.path=/nowhere"], ["/nowhere"]),
        (["out=file/made"], ["out=file/made", "cannot be written"]),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(command, tmp_path, overrides, words):
    (tmp_path / "file").touch()
    code, said = command(*overrides)
    assert code == 1
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert all(word in said.err for word in words), said.err
    assert not (tmp_path / "made").exists()


def test_nothing_is_overwritten(command, tmp_path):
    (tmp_path / "made/log").mkdir(parents=True)
    code, said = command("out=made")
    assert code == 1 and "out=made" in said.err and "log" in said.err


def test_as_a_module(ground, tmp_path):
    wrong = [sys.executable, "-m", "shoptalk.simulate", "domain=beir", "domain.path=/nowhere", "out=made"]
    result = subprocess.run(wrong, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert result.returncode == 1
    assert "/nowhere" in result.stderr and "Traceback" not in result.stderr + result.stdout


def test_the_config_holds_every_field_of_the_world_with_its_own_default():
    cfg = settings().world
    world = World()
    assert set(cfg) - {"_target_"} == set(World.__dataclass_fields__)
    assert instantiate(cfg).description() == World(zipf=1.0).description()
    assert instantiate(settings("world.zipf=null").world).description() == world.description()


@pytest.mark.parametrize("name", options("click_model"))
def test_every_click_model_option_is_its_class_with_its_defaults(name):
    model = instantiate(settings(f"click_model={name}").world).click_model
    assert model == type(model)()


def test_every_click_model_has_an_option():
    has_clicks = {c for _, c in inspect.getmembers(click_models, inspect.isclass) if hasattr(c, "clicks")}
    chosen = {type(instantiate(settings(f"click_model={n}").world).click_model) for n in options("click_model")}
    assert chosen == has_clicks - {click_models.ClickModel}
