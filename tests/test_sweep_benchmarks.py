"""The benchmarks of sweeps read what sweeps leave, and find what is known of it."""

import itertools
import json
import sys
from datetime import timedelta

import numpy as np
import optuna
import pytest
from benchmark_scripts import scripts
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from shoptalk.studies.storage import JOURNAL, opened


@pytest.fixture
def script():
    with scripts("sweeps") as load:
        yield load


def leave(folder, trials, shares=(1.0, 2.0, 1.0, 96.0), beside=()):
    """A study of trials ``(params, distributions, value)`` as a sweep leaves it; without a value a trial was pruned.

    Those ``beside`` began with the first, the others one after the other.
    """
    folder.mkdir()
    study = optuna.create_study(study_name="s", storage=opened(str(folder / JOURNAL)), direction="maximize")
    for number, (params, known, value) in enumerate(trials):
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        told = {"overrides": [f"{name}={one}" for name, one in params.items()]}
        trial = create_trial(state=state, params=params, distributions=known, value=value, user_attrs=told)
        trial.datetime_start -= timedelta(seconds=3600 if number in beside else 0)
        study.add_trial(trial)
        trial = study.get_trials(deepcopy=False)[number]
        assert trial.datetime_complete is not None
        (folder / str(number)).mkdir()
        stages = dict(zip(("domain", "sources", "negatives", "fit"), shares, strict=True))
        told = {"seconds": stages | {"total": sum(shares)}}
        (folder / str(number) / "metrics.json").write_text(json.dumps(told))
    return folder


def grid(score):
    known = {"a": IntDistribution(0, 4), "b": CategoricalDistribution(["x", "y", "z"])}
    return [({"a": a, "b": b}, known, score(a, b)) for a, b in itertools.product(range(5), "xyz")]


def test_a_whole_grid_answers_exactly(script, tmp_path):
    regret = script("regret")
    folder = leave(tmp_path / "s", grid(lambda a, b: 0.1 * a + (b == "y")))
    trials = regret.recorded(folder)
    answer, best, exact = regret.answering(trials)
    assert exact and best == pytest.approx(1.4)
    assert answer({"b": "z", "a": 3}) == pytest.approx(0.3)
    curve = regret.tried(regret.RANDOM, trials[0].distributions, answer, 40, seed=0)
    assert max(curve) == pytest.approx(best)


def test_a_surface_answers_between_trials(script, tmp_path):
    regret = script("regret")
    known = {"x": FloatDistribution(0, 1)}
    at = np.linspace(0, 1, 21)
    folder = leave(tmp_path / "s", [({"x": float(x)}, known, float(-((x - 0.3) ** 2))) for x in at])
    answer, best, exact = regret.answering(regret.recorded(folder))
    assert not exact
    assert answer({"x": 0.62}) == pytest.approx(-(0.32**2), abs=0.02)
    assert best == pytest.approx(0, abs=0.02)


def test_random_draws_differ_by_seed_and_repeat_with_it(script, tmp_path):
    regret = script("regret")
    trials = regret.recorded(leave(tmp_path / "s", grid(lambda a, b: a)))
    answer, _, _ = regret.answering(trials)
    draws = [tuple(regret.tried(regret.TPE, trials[0].distributions, answer, 15, seed)) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_the_command_prints_curves_and_leaves_them(script, tmp_path, monkeypatch, capsys):
    regret = script("regret")
    folder = leave(tmp_path / "s", grid(lambda a, b: 0.1 * a))
    monkeypatch.setattr(sys, "argv", ["regret.py", str(folder), "--trials", "12", "--seeds", "3"])
    regret.main()
    told = json.loads((folder / "regret.json").read_text())
    assert told["exact"] and len(told["TPE"]) == 12
    assert all(later <= earlier for name in ("random", "TPE") for earlier, later in itertools.pairwise(told[name]))
    assert "exact answers" in capsys.readouterr().out


def test_shared_work_leaves_the_first_trial_and_those_beside_it_out(script, tmp_path):
    trials = script("trials")
    folder = leave(tmp_path / "s", grid(lambda a, b: a), beside=(1,))
    for name in "01":
        (folder / name / "metrics.json").write_text(
            json.dumps({"seconds": {"domain": 900, "sources": 90, "negatives": 9, "total": 1000}})
        )
    assert trials.shared(folder) == pytest.approx(0.04)


def test_pruning_is_measured_on_the_same_configurations(script, tmp_path, monkeypatch):
    trials = script("trials")
    whole = leave(tmp_path / "whole", grid(lambda a, b: 0.1 * a + 0.01 * (b == "y")))
    pruned = leave(tmp_path / "pruned", grid(lambda a, b: None if a < 3 else 0.1 * a))
    monkeypatch.setattr(trials, "duration", lambda found: sum(4 if t.state.name == "COMPLETE" else 1 for t in found))
    saved, lost = trials.against(whole, pruned)
    assert saved.figure == pytest.approx(1 - (6 * 4 + 9) / (15 * 4)) and lost.figure == pytest.approx(0.01)
    other = leave(tmp_path / "other", grid(lambda a, b: 1.0)[:-1])
    with pytest.raises(SystemExit, match="different configurations"):
        trials.against(whole, other)
