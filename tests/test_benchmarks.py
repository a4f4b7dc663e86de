"""Every benchmark runs, at a size that says nothing about its figures but that they can be."""

import numpy as np
import polars as pl
import pytest
from benchmark_scripts import scripts


@pytest.fixture
def script():
    with scripts("clicks") as load:
        yield load


@pytest.mark.parametrize("name", ["recovery", "generators", "unbiased", "purity", "signals", "em_speed"])
def test_options_and_figures_are_said(script, capsys, name, tmp_path):
    module = script(name)
    options = module.parser(module.__doc__)
    with pytest.raises(SystemExit, match="0"):
        options.parse_args(["--help"])
    said = capsys.readouterr().out
    assert "SIMULATED" in said and "--out" in said and f"benchmarks/clicks/{name}.py" in said
    module.write({"some": 1}, tmp_path / "new", name)
    assert (tmp_path / "new" / f"{name}.json").read_text().startswith("{")


def test_recovery(script, capsys):
    recovery = script("recovery")
    figures = recovery.measure([(1, 2_000), (3, 20_000)], seeds=1)
    errors = {(f["rankers"], f["estimator"]): f["error"] for f in figures}
    assert errors[1, "AllPairs"] is None and errors[1, "naive"]["mean"] > 0.1
    assert errors[3, "AllPairs"]["mean"] < errors[3, "PositionEM"]["mean"] < errors[3, "naive"]["mean"]
    recovery.show(figures, 1)
    said = capsys.readouterr().out
    assert "SIMULATED" in said and "AllPairs cannot tell position bias from relevance" in said.replace("\n", " ")


def test_recovery_judges_what_was_measured(script):
    recovery = script("recovery")
    size = {"rankers": 3, "sessions": 100_000, "refusals": [], "refused": 0}
    rows = [size | {"estimator": n, "error": {"mean": 0.1}} for n in ("AllPairs", "PositionEM")]
    assert [(row["estimator"], row["met"]) for row in recovery.judge(rows)] == [
        ("AllPairs", False),
        ("PositionEM", True),
    ]
    assert recovery.relative_error(1 / np.arange(1, 11)) == 0


def test_signals_and_recovery_of_their_log(script, capsys, monkeypatch, tmp_path):
    signals = script("signals")
    some = ["none", "shorter dwell counts half", "dwell, no reformulation, noisy flags"]
    monkeypatch.setattr(signals, "SIGNALS", {name: signals.SIGNALS[name] for name in some})
    figures = signals.measure(["low"], [5_000], seeds=1, top=50)
    found = {n: {k: v["mean"] for k, v in f.items()} for n, f in figures[0]["signals"].items()}
    before, half, both = (found[name] for name in some)
    assert before["click_recall"] == before["pair_recall"] == 1
    assert both["click_purity"] > half["click_purity"] > before["click_purity"]
    assert both["click_recall"] < half["click_recall"] < 1 and half["pair_purity"] == before["pair_purity"]
    assert all(0 < f["top_purity"] <= 1 for f in found.values())
    signals.show(figures, 1)
    assert "SIMULATED" in capsys.readouterr().out

    lists = signals.draw(signals.Pool(), 10_000, 0)
    done = signals.behaviour(lists, "low", 0)
    signals.write_log(tmp_path / "log.parquet", lists, done, np.zeros(10_000, dtype=bool))
    recovered = script("recovery").measure_log(tmp_path / "log.parquet")
    assert recovered["removed"]["rows"] == 100_000 and recovered["errors"]["AllPairs"] < recovered["errors"]["naive"]


def test_generators(script, capsys, monkeypatch):
    generators = script("generators")
    chosen = {name: generators.GENERATORS[name] for name in ("PositionBased", "Trust")}
    monkeypatch.setattr(generators, "GENERATORS", chosen)
    figures = generators.measure(10_000, seeds=2)
    models = figures["PositionBased"]["models"]
    assert models["Cascade"]["standing"] == "behind" and models["Cascade"]["behind"] > 1
    assert all(at["mean"] >= 1 for at in models["PositionEM"]["perplexity"]) and len(models) == 9
    assert "AllPairs" in figures["PositionBased"]["verdicts"]["told nothing"]
    generators.show(figures, 10_000, 2)
    assert "SIMULATED Trust clicks" in capsys.readouterr().out


def test_a_tie_is_within_one_standard_error_of_the_paired_difference(script):
    scores = {"best": np.array([-1.0, -2.0, -3.0]), "near": np.array([-1.2, -1.9, -3.0]), "far": np.full(3, -2.1)}
    scores["far"] = scores["best"] - np.array([0.01, 0.02, 0.01])  # little, but always
    found = script("generators").standings(scores)
    assert {name: f["standing"] for name, f in found.items()} == {"best": "best", "near": "ties", "far": "behind"}


def test_unbiased(script, capsys):
    unbiased = script("unbiased")
    [found] = unbiased.measure(["high"], [10_000], seeds=1, rounds=4, top=50)
    assert found["runs"][0]["theta"][0] == 1 and len(found["runs"][0]["theta"]) == 10
    assert 1 <= found["flat"]["alone"]["mean"] <= found["flat"]["at_once"]["mean"] <= 10
    assert min(p["mean"] for p in found["purity"].values()) > 0.5
    unbiased.show([found], 1)
    assert "SIMULATED" in capsys.readouterr().out


def test_purity(script, capsys):
    purity = script("purity")
    figures = purity.measure(["high"], [10_000], seeds=1, top=50)
    found = {key: f["mean"] for key, f in figures[0]["purity"].items()}
    assert found["GammaLowerBound|none|estimated"] > found["any click|none|estimated"] > 0.1
    for support in purity.SUPPORT:
        most = found[f"best possible|{support}|true"]
        assert all(found[f"{name}|{support}|true"] <= most for name in purity.SCORES)
    assert len(purity.judge(figures)) == 4
    purity.show(figures, 1)
    assert "SIMULATED" in capsys.readouterr().out


def test_em_speed(script, capsys):
    em_speed = script("em_speed")
    found = em_speed.measure(3_000, 500, steps=(6,), timed=1)
    assert found["agreement"] < 1e-6
    run = found["runs"][0]
    assert run["loop"]["wall"] == pytest.approx(found["loop"]["wall"] * 3_000 * 6)
    assert run["ratio"]["wall"] < run["ratio_fitting"]["wall"]
    em_speed.show(found)
    assert "SIMULATED" in capsys.readouterr().out


def test_extrapolation_changes_the_path_of_em(script):
    """Else agreement under plain steps would say nothing about them."""
    em_speed = script("em_speed")
    lists = em_speed.draw(em_speed.Pool(), 500, 0)
    clicked = np.random.default_rng(0).random(lists.document.shape) < 0.2
    observed = em_speed.Observed.of_lists(lists.query, lists.document, clicked)
    assert np.abs(em_speed.ours(observed, 9) - em_speed.ours_plain(observed, 9)).max() > 1e-6


def test_big_log(script, tmp_path):
    assert script("big_log").write(tmp_path, 1_000) == 1_000
    assert pl.read_parquet(tmp_path / "*.parquet").height == 1_000
