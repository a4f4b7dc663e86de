"""Trials are given out exactly once, whoever dies meanwhile."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from studies.worker import study, work

from shoptalk.errors import InputError
from shoptalk.studies import lease, storage
from shoptalk.studies.grammar import parse
from shoptalk.studies.sampling import Sampling
from shoptalk.studies.study import Study

WORKER = Path(__file__).parent / "worker.py"


def started(folder, total: int, seconds: float) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, str(WORKER), str(folder), str(total), str(seconds)])


def states(one: Study) -> list[str]:
    return [trial.state.name for trial in one.trials]


def keys(one: Study) -> list[tuple[str, ...]]:
    return [tuple(trial.user_attrs["overrides"]) for trial in one.trials]


def test_a_study_ends_at_its_total_and_goes_on_to_a_larger_one(tmp_path):
    work(study(tmp_path, 4), 0)
    again = study(tmp_path, 4)
    assert again.finished and again.give() is None
    more = study(tmp_path, 6)
    work(more, 0)
    assert states(more) == ["COMPLETE"] * 6 and [t.number for t in more.trials] == list(range(6))


def test_a_study_that_was_stopped_draws_what_it_would_have_drawn(tmp_path):
    work(study(tmp_path / "whole", 15), 0)
    for total in (3, 12, 15):
        work(study(tmp_path / "parts", total), 0)
    assert keys(study(tmp_path / "whole", 15)) == keys(study(tmp_path / "parts", 15))
    assert len(set(keys(study(tmp_path / "parts", 15)))) == 15


def test_killed_at_any_moment_five_times(tmp_path):
    total, dice, journal = 25, random.Random(0), tmp_path / "study.journal"
    for _ in range(5):
        before = journal.stat().st_size if journal.exists() else 0
        worker = started(tmp_path, total, 0.05)
        while not journal.exists() or journal.stat().st_size == before:
            time.sleep(0.001)
        time.sleep(0.2 * dice.random())
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    one = study(tmp_path, total)
    assert not one.finished
    work(one, 0)
    assert states(one) == ["COMPLETE"] * total and len(set(keys(one))) == total


def test_workers_side_by_side_reach_the_total_exactly(tmp_path):
    workers = [started(tmp_path, 30, 0.02) for _ in range(4)]
    assert [worker.wait(timeout=120) for worker in workers] == [0] * 4
    one = study(tmp_path, 30)
    assert states(one) == ["COMPLETE"] * 30 and len(set(keys(one))) == 30


def test_what_a_dead_worker_left_is_the_same_trial_again(tmp_path):
    one = study(tmp_path, 3)
    given = one.give()
    one._leases.pop(given.number).release()  # as if killed
    again = study(tmp_path, 3).give()
    assert again.number == given.number and again.overrides == given.overrides
    assert states(one) == ["RUNNING"]


def test_a_living_worker_keeps_its_trial(tmp_path):
    one = study(tmp_path, 3)
    first, second = one.give(), study(tmp_path, 3).give()
    assert {first.number, second.number} == {0, 1}


def test_a_trial_given_back_waits(tmp_path):
    one = study(tmp_path, 2)
    given = one.give()
    one.leave(given)
    assert states(one) == ["WAITING"] and one.give().overrides == given.overrides


def test_failed_and_pruned_trials_count_and_are_told(tmp_path):
    one = study(tmp_path, 3)
    one.take(one.give(), None, error="no such model")
    pruned = one.give()
    pruned.trial.report(0.2, 1)
    one.take(pruned, None, pruned=1)
    one.take(one.give(), [0.5])
    assert states(one) == ["FAIL", "PRUNED", "COMPLETE"] and one.finished
    assert one.trials[0].user_attrs["error"] == "no such model"
    assert [t.number for t in one.best()] == [2]


def test_a_finite_space_is_tried_once_each_and_then_ends(tmp_path):
    space = {"way": "choice(a,b,c)", "k": "choice(1,2)"}
    for sampler in ("TPESampler", "RandomSampler", "GridSampler"):
        one = study(tmp_path / sampler, 50, sampler, space=space)
        work(one, 0)
        assert len(keys(one)) == len(set(keys(one))) == 4, sampler  # k counts under b alone
    repeated = study(tmp_path / "again", 10, space=space, repeats=True)
    work(repeated, 0)
    assert len(keys(repeated)) == 10


def test_configurations_are_lined_up_once_and_come_first(tmp_path):
    one = study(tmp_path, 3)
    one.begin([{"way": "b", "k": 3}, {"x": 0.5}], [])
    study(tmp_path, 3).begin([{"way": "b", "k": 3}, {"x": 0.5}], [])
    work(one, 0)
    first, second, _ = (trial.params for trial in one.trials)
    assert (first["way"], first["k"]) == ("b", 3) and second["x"] == 0.5
    assert len(one.trials) == 3
    with pytest.raises(InputError, match="lists 2 configurations for n_trials=1"):
        study(tmp_path / "few", 1).begin([{"way": "a"}, {"way": "b"}], [])


def test_trials_of_an_earlier_study_are_taken_over_where_they_fit(tmp_path):
    work(study(tmp_path / "early", 6), 0)
    later = study(tmp_path / "later", 2)
    assert later.begin([], [str(tmp_path / "early")])[0].startswith("6 of 6 finished trials")
    work(later, 0)
    assert len(later.trials) == 2 and len(later.optuna.trials) == 8
    narrow = study(tmp_path / "narrow", 1, space={"way": "choice(a,b,c)", "x": "interval(0.4,0.6)", "k": "range(1,10)"})
    fitting = sum(0.4 <= t.params["x"] <= 0.6 for t in study(tmp_path / "early", 6).trials)
    assert narrow.begin([], [str(tmp_path / "early")])[0].startswith(f"{fitting} of 6")
    with pytest.raises(InputError, match="where no study lies"):
        study(tmp_path / "none", 1).begin([], [str(tmp_path / "nowhere")])


def test_a_study_begun_with_other_options_is_refused(tmp_path):
    study(tmp_path, 3, identity="one")
    with pytest.raises(InputError, match=r"another space or other options; name another with hydra\.sweeper\.study"):
        study(tmp_path, 3, identity="two")


def test_the_best_keep_constraints_and_none_beats_them(tmp_path):
    sampling = Sampling({"_target_": "optuna.samplers.TPESampler"}, 0, constrained=True)
    space = parse({"x": "interval(0,1)"}, {}, {})
    one = Study(tmp_path, str(tmp_path / "j"), "s", space, sampling, {"up": "maximize", "down": "minimize"}, 5)
    for values, violated in (([1, 5], -1), ([2, 5], 0), ([2, 6], 0), ([3, 9], 0), ([9, 1], 0.1)):
        one.take(one.give(), values, violations=[violated])
    assert [t.values for t in one.best()] == [[2, 5], [3, 9]]


def test_a_database_serves_as_well(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    space = parse({"x": "interval(0,1)"}, {}, {})
    for total in (2, 4):
        sampling = Sampling({"_target_": "optuna.samplers.GPSampler"}, 0)
        one = Study(tmp_path, url, "s", space, sampling, {"figure": "maximize"}, total)
        if total == 2:
            work(one, 0)
            continue
        given = one.give()
        one._leases.pop(given.number).release()
        assert one.give().number == given.number == 2
    with pytest.raises(InputError, match=r"storage=nothing://x cannot be opened"):
        storage.opened("nothing://x")


@pytest.mark.parametrize("torn", [b'{"op_code": 4, "tri', b"\x00\x00", b"{}"])
def test_a_journal_torn_by_a_kill_is_mended(tmp_path, torn):
    one = study(tmp_path, 3)
    one.take(one.give(), [0.1])
    path = tmp_path / "study.journal"
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    work(study(tmp_path, 3), 0)
    assert path.read_bytes().startswith(whole) and states(study(tmp_path, 3)) == ["COMPLETE"] * 3


@pytest.mark.parametrize("sampler", ["CmaEsSampler", "GPSampler", "GridSampler", "QMCSampler"])
def test_samplers_without_conditions_refuse_them(sampler):
    with pytest.raises(InputError, match=f"{sampler} knows no parameters that depend on others"):
        Sampling({"_target_": f"optuna.samplers.{sampler}"}, 0, conditional=True)


def test_samplers_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="RandomSampler knows no constraints"):
        Sampling({"_target_": "optuna.samplers.RandomSampler"}, 0, constrained=True)
    with pytest.raises(InputError, match=r"sampler\._target_=no\.Sampler is no class"):
        Sampling({"_target_": "no.Sampler"}, 0)


@pytest.mark.parametrize("sampler", ["QMCSampler", "NSGAIISampler", "RandomSampler", "GPSampler"])
def test_other_samplers_go_on_without_repeating_themselves(tmp_path, sampler):
    for total in (3, 6, 9):
        one = study(tmp_path, total, sampler, space={"x": "interval(0,1)", "k": "interval(0,1)"}, space_when={})
        work(one, 0)
    assert len(set(keys(one))) == 9


def test_a_lease_is_of_a_living_process_here_and_of_a_recent_touch_elsewhere(tmp_path):
    path = tmp_path / "0.json"
    held = lease.Lease(path)
    assert lease.alive(path)
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"started": "1"}))  # the number belongs to another process by now
    assert not lease.alive(path)
    path.write_text(json.dumps(told | {"host": f"not-{socket.gethostname()}"}))
    assert lease.alive(path)
    long_ago = time.time() - lease.LAPSED - 1
    os.utime(path, (long_ago, long_ago))
    assert not lease.alive(path)
    held.release()
    assert not path.exists() and not lease.alive(path)


def test_optuna_reads_the_storage_as_it_is(tmp_path):
    work(study(tmp_path, 2), 0)
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.journal"))
    assert len(optuna.load_study(study_name="s", storage=optuna.storages.JournalStorage(backend)).trials) == 2
