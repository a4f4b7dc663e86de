"""The benchmarks of mining run, at a size that says nothing about their figures but that they can be."""

import os

import numpy as np
import pytest
from benchmark_scripts import scripts
from retrieval.vectors import clustered


@pytest.fixture(scope="module")
def script():
    with scripts("negatives") as load:
        yield load


@pytest.fixture
def own_threads(script, monkeypatch):
    """Threads are left as the test run has them."""
    for name in ("million", "mining"):
        monkeypatch.setattr(script(name), "set_threads", lambda asked: 1)


@pytest.mark.parametrize("name", ["million", "mining"])
def test_options_are_said(script, capsys, name):
    with pytest.raises(SystemExit, match="0"):
        script(name).options().parse_args(["--help"])
    said = capsys.readouterr().out
    assert f"benchmarks/negatives/{name}.py" in said and "--out" in said and "--queries" in said


@pytest.mark.parametrize("dimension", [2, 5])
def test_local_dimension_is_recovered(script, dimension):
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(6000, dimension + 1)) @ np.linalg.qr(rng.normal(size=(30, dimension + 1)))[0].T
    vectors = (flat / np.linalg.norm(flat, axis=1, keepdims=True)).astype(np.float32)
    # A sphere has a dimension less than the space around it; at this density the estimate is a little low.
    assert script("resampled").local_dimension(vectors, 20, seed=0) == pytest.approx(dimension, rel=0.12)


def test_resampled_vectors_lie_among_their_neighbours(script, tmp_path):
    resampled, base = script("resampled"), clustered(500, d=32)
    for name, noise in (("still", 0.0), ("one", 1.0), ("two", 1.0)):
        resampled.write(base, 1203, noise, 0, tmp_path / name)
    still, one, two = (np.load(tmp_path / name) for name in ("still", "one", "two"))
    assert (one == two).all() and np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
    assert np.allclose(still, base[np.arange(1203) % 500], atol=1e-6)
    moved = (one * still).sum(axis=1)
    assert len(np.unique(one, axis=0)) == 1203 and 0.2 < moved.mean() < 0.98
    root = resampled.spreads(base[None, :21])[0]
    assert np.allclose(root.T @ root, np.cov(base[:21].T, bias=True), atol=1e-6)


def test_million(script, tmp_path, capsys, own_threads):
    million = script("million")
    np.save(tmp_path / "documents.npy", clustered(900))
    np.save(tmp_path / "queries.npy", clustered(120, seed=1))
    figures = {name: million.case(name, tmp_path, 10, None) for name in ("exact", "ivf", "auto")}
    rows = {name: np.load(tmp_path / f"{name}.npy") for name in figures}
    assert (rows["auto"] == rows["exact"]).all() and figures["auto"]["told"] == []  # far too small to choose
    assert "index=ivf finds" in figures["ivf"]["told"][0] and figures["ivf"]["build_s"] > 0
    for name, figure in figures.items():
        figure["recall"] = float(million.recalls(million._ranked(rows[name]), million._ranked(rows["exact"])).mean())
    assert figures["ivf"]["recall"] > 0.9 and figures["auto"]["recall"] == 1
    million.show(figures, "Title", 10)
    assert "recall@10" in capsys.readouterr().out
    checks = {check.name: check for check in million.checks_of(figures)}
    assert checks["ivf: peak (GB)"].met and checks["auto: recall"].met


def test_both_sides_mine_the_same(script, tmp_path, capsys, own_threads):
    mining = script("mining")
    words = ["heart", "lung", "kidney", "skin", "bone", "ear"]
    passages = [f"{grade} disease of the {word} {n}" for n, word in enumerate(words) for grade in ("mild", "severe")]
    passages += [f"a note about {word} number {n}" for n, word in enumerate(4 * words)]
    pairs = [(f"{word} illness", 2 * n) for n, word in enumerate(words)]
    ours = mining.ours(passages, pairs, tmp_path / "ours", 1, "cpu")
    found = {"ours": ours, "peer": mining.peer(passages, pairs, tmp_path / "peer", "cpu", False)}
    negatives = {side: found[side][1] for side in mining.SIDES}
    assert all(len(line) == 4 and passages[2 * n] not in line for n, line in enumerate(negatives["ours"]))
    assert mining.agreement(negatives["ours"], negatives["peer"]) > 0.95
    figures = {name: {"seconds": 2.0, "peak_mb": 100.0} for s in mining.SIDES for name in (s, f"{s}, cached")}
    figures["ours, cached"]["seconds"], figures["agreement"] = 0.01, 0.5
    mining.show(figures, "Title")
    assert "200.00" in capsys.readouterr().out
    assert [check.met for check in mining.checks_of(figures)][1:] == [True, False]
    assert mining.agreement([["a"], ["b"]], [["a", "c"], []]) == 0.5


def test_each_case_is_a_process_of_its_own(script, tmp_path):
    told = tmp_path / "told.py"
    told.write_text(
        "import json, os, sys\nprint('noise')\nprint(json.dumps({'pid': os.getpid(), 'given': sys.argv}))\n"
    )
    found = script("shared").started(str(told), some=1)
    assert found["pid"] != os.getpid() and found["given"][1:] == ["--case", '{"some": 1}']
