import math
import subprocess
import sys

import pytest
from optuna.trial import TrialState
from told_sweeps import CLOSING, SCORE, SECONDS, Page, add, empty, swept

from shoptalk.reporting.sweeps.page import alone, page

HOSTILE = "</script><script>alert('&')</script><img src=x onerror=alert(1)>"
PLOTS = ["History", "Intermediate values", "Importances", "Slices", "Contours", "Mixtures: mixing.ratios"]


def test_the_verdict_stands_first():
    study = empty(total=4)
    add(study, [0.6], told={"from": "older"})
    add(study, [0.655], x=0.5)
    add(study, None, TrialState.PRUNED)
    add(study, None, TrialState.FAIL, told={"error": "No such file."})
    text = Page(page(study, CLOSING)).text
    for said in (
        "Best of 2 finished trials is trial 1: dev.adapted.ndcg@10 (more is better) 0.655.",
        "Trained again with seeds 0, 1 and read once on 300 queries of test, trial 1 reaches 0.6200 and is better than "
        "the default (0.6000) by 2.0 points (95 % interval +0.4 to +3.6, p = 0.0123).",
        "The sweep had promised 0.6550 for it on dev, 3.5 points more than test shows; trained again it has 0.6400",
        "4 trials asked for: 2 completed, 1 pruned, 1 failed. 1 of them taken over from an earlier study.",
        "trial 1 0.6400 0.6200 0.6100 0.6300",
        "default 0.6050 0.6000 0.5900 0.6100",
    ):
        assert said in text, said
    assert text.index("Best of 2") < text.index("History")
    assert "smaller problem" not in text


def test_what_is_inconclusive_is_said_with_its_sign():
    difference = CLOSING["difference"] | {"mean": -0.01, "low": -0.03, "high": 0.01, "verdict": "inconclusive"}
    text = Page(page(swept(3), CLOSING | {"difference": difference, "optimism": -0.02})).text
    assert "differs from the default (0.6000) by -1.0 points" in text and "p = 0.0123; inconclusive)" in text
    assert "2.0 points less than test shows" in text


def test_a_smaller_problem_is_said_in_title_and_headline():
    html = page(swept(3, fidelity="2,000 documents, 640 draws"), None)
    scope = "on a smaller problem (2,000 documents, 640 draws)"
    assert f"<title>Sweep of {SCORE} {scope}</title>" in html
    assert f"Best of 3 finished trials {scope} is trial" in Page(html).text
    again = Page(page(swept(3, fidelity="2,000 documents, 640 draws"), CLOSING)).text
    assert f"The sweep had promised 0.6550 for it on dev {scope}, 3.5 points more than test shows" in again
    assert Page(html).text.count(scope) >= 4  # title, heading, headline, and the note in the experiment file


def test_one_script_comes_first_and_the_page_is_small_with_many_trials():
    found = Page(page(swept(101), None))
    (script,) = (number for number, text in enumerate(found.scripts) if len(text) > 1_000_000)
    assert script < min(number for number, text in enumerate(found.scripts) if "Plotly.newPlot" in text)
    assert sum(map(len, found.scripts)) + len(found.text) < 5_800_000
    assert "75 of 101 are drawn." in found.text


def test_every_plot_has_a_heading_that_the_top_links_to():
    found = Page(page(swept(), None))
    assert [link for link in found.links if link.startswith("#plot-")] == [f"#plot-{n + 1}" for n in range(len(PLOTS))]
    assert set(found.links) <= {f"#{name}" for name in found.ids}
    for heading in PLOTS:
        assert found.text.count(heading) >= 2


def test_the_table_holds_every_trial():
    study = empty()
    add(study, [0.61234], shares=(0.5, 0.2, 0.3), lr=0.25, told={"from": "older", "seconds": 12.0})
    add(study, None, TrialState.FAIL, cold=None, ranges={"cold": [None, True]}, told={"error": "Not there; name it."})
    add(study, None, TrialState.RUNNING)
    add(study, None, TrialState.WAITING)
    add(study, [math.inf])
    rows = [row for row in Page(page(study, None)).rows if row and row[0] in ("trial", "0", "1", "2", "3", "4")]
    assert rows[0] == [
        "trial", "state", f"{SCORE}, more is better", "lr", "mixing.ratios.clicks", "mixing.ratios.labels",
        "mixing.ratios.synthetic", "cold", "seconds", "error", "folder",
    ]  # fmt: skip
    assert rows[1] == ["0", "completed, from older", "0.6123", "0.25", "0.5", "0.2", "0.3", "", "12", "", "outputs/1"]
    assert rows[2] == ["1", "failed", "", "", "", "", "", "null", "1.5", "Not there; name it.", "outputs/1"]
    assert [row[1] for row in rows[3:5]] == ["running", "waiting"] and rows[5][:3] == ["4", "completed", "inf"]
    assert "1 completed without a finite figure" in Page(page(study, None)).text


def test_text_of_trials_is_escaped():
    study = empty(fidelity=HOSTILE, command=HOSTILE)
    add(study, None, TrialState.FAIL, told={"error": HOSTILE, "folder": HOSTILE, "from": HOSTILE})
    for number in range(6):
        told = {"overrides": [f"run.name='{HOSTILE}'".replace("'&'", "&")], "simplex": {HOSTILE: {HOSTILE: 0.1}}}
        add(
            study,
            [0.1 * number],
            steps={1: 0.5},
            **{HOSTILE: "ab"[number % 2]},
            ranges={HOSTILE: ["a", "b"]},
            told=told,
        )
    html = page(study, None)
    assert "<script>alert" not in html and "<img" not in html
    assert Page(html).text.count(HOSTILE) >= 5


def test_the_best_configuration_can_be_run_again():
    study = empty(task=["sweeps=mixture", "seed=1", "trainer.pairs=64", "hydra.sweeper.n_jobs=2"])
    add(study, [0.1])
    add(study, [0.2], told={"overrides": ["data=clicks+labels", "trainer.pairs=128", "run.name='a b'"]})
    text = Page(page(study, None)).text
    command = """python train.py seed=1 trainer.pairs=128 data=clicks+labels 'run.name='"'"'a b'"'"''"""
    assert command in text
    assert f"# Trial 1 of a sweep: {SCORE} 0.2." in text and "- override /data: clicks+labels" in text
    assert "python train.py sweeps=mixture" in text


def test_what_was_trained_again_is_told_as_it_then_was():
    text = Page(page(swept(3, task=["trainer.pairs=5"]), CLOSING)).text
    assert "python train.py trainer.pairs=99 data=clicks " in text


def test_overrides_that_no_file_can_say_leave_their_command():
    study = empty()
    add(study, [0.1], told={"overrides": ["~negatives.parts.random"]})
    text = Page(page(study, None)).text
    assert "python train.py '~negatives.parts.random'" in text and "deletes, which an experiment file cannot" in text


def test_alone_keeps_the_last_of_a_key_and_starts_no_sweep():
    told = ["a=1", "+b.c=2", "sweeps=x", "a=3", "hydra/launcher=joblib", "+hydra.x=1", "~d"]
    assert alone(told) == ["a=3", "+b.c=2", "~d"]


def test_with_two_objectives_every_pareto_optimal_trial_is_told():
    study = empty((SCORE, SECONDS))
    for score, seconds in ((0.5, 10), (0.6, 20), (0.55, 30), (0.4, 5), (0.6, 25)):
        add(study, [score, seconds], told={"overrides": [f"trainer.pairs={seconds}"]})
    found = Page(page(study, None))
    assert "Pareto-optimal among 5 finished trials" in found.text and "trial 0, 1, 3." in found.text
    assert [link for link in found.links if link.startswith("#trial-")] == ["#trial-0", "#trial-1", "#trial-3"]
    assert {f"trial-{n}" for n in range(5)} <= set(found.ids)
    assert f"Trial 1 : {SCORE} 0.6 and {SECONDS} 20" in found.text and "trainer.pairs=25" not in found.text
    first = Page(page(study, CLOSING))
    assert [link for link in first.links if link.startswith("#trial-")] == ["#trial-1", "#trial-0", "#trial-3"]


@pytest.mark.parametrize("objectives", [(SCORE,), (SCORE, SECONDS)])
def test_a_sweep_of_which_nothing_finished_has_a_page(objectives):
    study = empty(objectives)
    add(study, None, TrialState.FAIL, told={"error": "No such file."})
    found = Page(page(study, None))
    assert "No trial finished, so no configuration is best by" in found.text and "No such file." in found.text
    assert not found.figures and "No trial finished, so there is nothing to draw." in found.text
    assert Page(page(empty(objectives), None)).text.count("No trial finished") >= 3


def test_what_is_slow_to_import_waits_for_a_page():
    asked = (
        "import sys, shoptalk.reporting.sweeps.page; print({'optuna', 'plotly', 'sklearn', 'torch'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
