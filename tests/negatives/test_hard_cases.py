from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shoptalk.domain.corpus import Corpus
from shoptalk.errors import InputError
from shoptalk.negatives.calibration import Isotonic, Platt
from shoptalk.negatives.denoise import Denoised
from shoptalk.negatives.hard_cases import HardCases, Watched, shared
from shoptalk.negatives.judged_cases import read_cases
from shoptalk.negatives.judging import of_cases
from shoptalk.negatives.quality import auc

WORDS = ['say "no"', "a, b", "line\nbreak", "ünï", "=1+1"]
CORPUS = Corpus([f"d{i}" for i in range(400)], [f"{WORDS[i % 5]} {i}" for i in range(400)], [""] * 400)


def candidates(count=5000, seed=0):
    """Most have a low probability; whether one is relevant is drawn from a curve of its own."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.8, 6, count).astype(np.float32)
    queries = [f"{WORDS[i % 5]} q{i // 400}" for i in range(count)]
    said = pl.DataFrame({"query": queries, "row": np.arange(count) % 400, "probability": p})
    return said, rng.random(count) < np.sqrt(p) * 0.8


@given(st.lists(st.integers(0, 60), min_size=5, max_size=5), st.integers(5, 200))
@settings(deadline=None)
def test_shares_are_even_and_use_what_there_is(held, count):
    held = np.array(held)
    taken = shared(held, count)
    assert taken.sum() == min(count, held.sum()) and (taken <= held).all()
    open_ = taken < held
    # Nobody who could give more gives less than another, but for one that is over.
    assert not open_.any() or taken[open_].min() >= taken.max() - 1
    assert (taken[held > 0] > 0).all()


def test_weights_are_the_inverse_chances_and_the_choice_is_a_function_of_seed_and_candidate():
    said, _ = candidates()
    cases = HardCases(0.05, 0.3, 100)
    found = cases.sample(said, CORPUS, 0)
    inside = said.filter(pl.col("probability").is_between(0.05, 0.3))
    assert found.height == 100 and found["probability"].is_between(0.05, 0.3).all()
    assert found["weight"].sum() == pytest.approx(inside.height)
    by_stratum = found.group_by("stratum").agg(pl.len(), pl.col("weight").first(), pl.col("probability").min())
    assert by_stratum["len"].to_list() == [20] * 5
    for name, taken, weight in by_stratum.select("stratum", "len", "weight").iter_rows():
        low, high = map(float, name.split(" to "))
        assert inside.filter(pl.col("probability").is_between(low, high)).height == pytest.approx(taken * weight)
    assert cases.sample(said.reverse(), CORPUS, 0).equals(found)
    other = cases.sample(said, CORPUS, 1)
    assert other.height == 100 and not other.equals(found)
    assert found["probability"].to_list() != sorted(found["probability"])
    assert found["grade"].null_count() == 100


def test_every_candidate_of_a_stratum_has_the_chance_its_weight_says():
    said, _ = candidates(300)
    cases, times = HardCases(0.0, 0.5, 40), np.zeros(300)
    index = {key: i for i, key in enumerate(said.select("query", "row").iter_rows())}
    chance = np.zeros(300)
    for seed in range(150):
        for query, doc_id, weight in cases.sample(said, CORPUS, seed).select("query", "doc_id", "weight").iter_rows():
            place = index[query, CORPUS.index[doc_id]]
            times[place] += 1
            chance[place] = 1 / weight
    drawn = chance > 0
    z = (times[drawn] - 150 * chance[drawn]) / np.sqrt(150 * chance[drawn] * (1 - chance[drawn]) + 1e-9)
    assert np.abs(z).max() < 4.5 and 0.8 < z.std() < 1.2


def graded(cases, said, relevant, path):
    truth = dict(zip(said.select("query", "row").iter_rows(), relevant.tolist(), strict=True))
    lines = cases.select("query", "doc_id").iter_rows()
    grades = [str(int(truth[query, CORPUS.index[doc_id]])) for query, doc_id in lines]
    cases.with_columns(grade=pl.Series(grades, dtype=pl.String)).write_csv(path)


def test_a_round_trip_keeps_everything(tmp_path):
    said, relevant = candidates()
    cases = HardCases(0.05, 0.5, 60).sample(said, CORPUS, 0)
    graded(cases, said, relevant, tmp_path / "cases.csv")
    found = read_cases(tmp_path / "cases.csv", CORPUS)
    assert list(found.queries) == cases["query"].to_list() and found.ungraded == 0
    assert [CORPUS.ids[row] for row in found.rows] == cases["doc_id"].to_list()
    np.testing.assert_allclose(found.weights, cases["weight"])
    truth = dict(zip(said.select("query", "row").iter_rows(), relevant, strict=True))
    assert found.labels.tolist() == [truth[key] for key in zip(found.queries, found.rows.tolist(), strict=True)]


def test_weights_recover_the_base_rate_that_the_choice_distorts(tmp_path):
    said, relevant = candidates()
    band = said["probability"].is_between(0.05, 0.5).to_numpy()
    weighted, plain = [], []
    for seed in range(60):
        graded(HardCases(0.05, 0.5, 100).sample(said, CORPUS, seed), said, relevant, tmp_path / "cases.csv")
        found = read_cases(tmp_path / "cases.csv", CORPUS)
        weighted.append(np.average(found.labels, weights=found.weights))
        plain.append(found.labels.mean())
    error = np.std(weighted) / np.sqrt(len(weighted))
    assert abs(np.mean(weighted) - relevant[band].mean()) < 3 * error
    assert np.mean(plain) > relevant[band].mean() + 10 * error


@pytest.mark.parametrize("calibration", [Platt(), Isotonic()], ids=["Platt", "Isotonic"])
def test_a_calibration_on_cases_is_that_of_all_candidates(tmp_path, calibration):
    said, relevant = candidates(20_000)
    said = said.with_columns(query=pl.col("query") + pl.Series([str(i // 2000) for i in range(20_000)]))
    p = said["probability"].to_numpy().astype(np.float64)
    logit = dict(zip(said.select("query", "row").iter_rows(), np.log(p / (1 - p)), strict=True))
    graded(HardCases(0.05, 0.5, 2000).sample(said, CORPUS, 0), said, relevant, tmp_path / "cases.csv")
    evidence = of_cases(
        lambda queries, rows: np.array([[logit[q, r] for r in line] for q, line in zip(queries, rows, strict=True)]),
        read_cases(tmp_path / "cases.csv", CORPUS),
    )
    assert evidence.weights.mean() == pytest.approx(1)
    band = (p >= 0.05) & (p <= 0.5)
    everything = np.log(p / (1 - p))[band]
    whole = calibration.fit(everything, relevant[band])
    asked = np.log(np.array([0.08, 0.15, 0.25, 0.4]) / (1 - np.array([0.08, 0.15, 0.25, 0.4])))
    found = calibration.fit(evidence.logits, evidence.labels, evidence.weights)
    np.testing.assert_allclose(found(asked), whole(asked), atol=0.08)
    ours = auc(evidence.logits, evidence.labels, evidence.weights)
    assert ours == pytest.approx(auc(everything, relevant[band]), abs=0.03)


def test_denoising_leaves_the_cases_among_what_it_judged_and_is_not_changed(world):
    asked = []

    def teacher(queries, positives, rows):
        p = np.where(rows >= 0, (rows % 10) / 10, np.nan).astype(np.float32)
        asked.extend((q, int(r)) for q, line in zip(queries, rows, strict=True) for r in line if r >= 0)
        return p

    ask = world.make(relevance=teacher)
    plain = Denoised(high=20).mine(ask)
    assert plain.hard_cases is None
    asked.clear()
    mined = Denoised(high=20, hard_cases={"low": 0.15, "high": 0.85, "count": 10}).mine(ask)
    assert mined.table.equals(plain.table) and mined.dropped == plain.dropped
    shown = {(q, ask.corpus.index[d]) for q, d in mined.hard_cases.select("query", "doc_id").iter_rows()}
    assert len(shown) == 10 and shown <= set(asked)
    inside = {(q, r) for q, r in asked if 2 <= r % 10 <= 8}
    assert mined.hard_cases["weight"].sum() == pytest.approx(len(inside))
    assert f"10 of {len(inside)} candidates" in mined.notices[-1] and "teacher.judged_cases" in mined.notices[-1]
    none = Denoised(high=20, hard_cases={"low": 0.95, "high": 0.99}).mine(replace(ask))
    assert none.hard_cases.height == 0 and "there is no hard case" in none.notices[-1]


def test_a_question_asked_twice_is_one_candidate():
    watched = Watched(lambda queries, positives, rows: np.where(rows >= 0, 0.2, np.nan))
    watched(["a", "a"], [], np.array([[1, -1], [1, 2]]))
    watched(["a"], [], np.array([[2]]))
    assert watched.said().drop("probability").rows() == [("a", 1), ("a", 2)]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"low": 0.3, "high": 0.3}, "hard_cases.low=0.3"),
        ({"high": 1.5}, "at most 1"),
        ({"count": 4}, "hard_cases.count=4 must be a whole number of at least 5"),
        ({"number": 4}, "no option number; it takes low, high, count"),
    ],
)
def test_impossible_options_say_which(options, sentence):
    with pytest.raises(InputError, match=sentence):
        Denoised(hard_cases=options)


HEAD = "query,doc_id,weight,grade\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("query,doc_id,grade\nq,d1,1\n", "cases.csv, line 1, column 'weight': is missing"),
        ("", "line 1, column 'query': is missing"),
        (HEAD + "q,d1,1,\n", "column 'grade': no row has a grade; fill it"),
        (HEAD + "q,d1,2,1\nq,d9999,2,1\n", "line 3, column 'doc_id': 'd9999' is not in the corpus"),
        (HEAD + "q,d1,2,yes\n", "line 2, column 'grade': 'yes' is no whole number"),
        (HEAD + "q,d1,2,-1\n", "line 2, column 'grade': '-1' is no whole number"),
        (HEAD + "q,d1,2,0.5\n", "line 2, column 'grade': '0.5' is no whole number"),
        (HEAD + "q,d1,0,1\n", "line 2, column 'weight': '0' is no number above 0"),
        (HEAD + "q,d1,inf,1\n", "line 2, column 'weight': 'inf' is no number above 0"),
        (HEAD + "q,d1,,1\n", "line 2, column 'weight': '' is no number above 0"),
        (HEAD + ",d1,2,1\n", "line 2, column 'query': is empty"),
        (HEAD + "q,d1,2,1\nQ.,d1,2,0\n", "line 3: the same query and document stand in line 2"),
        (HEAD + 'q,d1,2,"1\n', "line 2: not valid CSV"),
        (HEAD.encode() + b"\xff,d1,2,1\n", "is not UTF-8"),
    ],
)
def test_a_bad_row_is_one_sentence_with_its_place(tmp_path, content, sentence):
    path = tmp_path / "cases.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as told:
        read_cases(path, CORPUS)
    assert sentence in str(told.value) and str(path) in str(told.value) and "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_called_by_its_option(tmp_path):
    with pytest.raises(InputError, match=r"teacher\.judged_cases=.*nowhere\.csv cannot be read"):
        read_cases(tmp_path / "nowhere.csv", CORPUS)


def test_rows_without_a_grade_wait_and_spreadsheets_may_mark_the_file(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text(HEAD + "q,d1,2,1\nq,d2,2, \nq,d3,2,0\n", encoding="utf-8-sig")
    found = read_cases(path, CORPUS)
    assert found.rows.tolist() == [1, 3] and found.labels.tolist() == [True, False] and found.ungraded == 1
