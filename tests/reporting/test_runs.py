import itertools
import json

import polars as pl
import pytest
from finished_runs import HOSTILE, finished
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from shoptalk.errors import InputError
from shoptalk.reporting.runs.page import Page, page
from shoptalk.reporting.runs.pairwise import against_first
from shoptalk.reporting.runs.sections import sections
from shoptalk.reporting.runs.told import read
from shoptalk.reporting.tables import verdict
from shoptalk.retrieval.holm import holm

TITLES = ["Verdict", "Scores", "Slices", "Mixture", "Negatives", "Teacher", "Queries", "Provenance", "Config"]


def cells(section):
    return [cell for part in section.parts if hasattr(part, "rows") for row in part.rows for cell in row]


def test_the_sections_tell_what_the_run_measured(tmp_path):
    [run] = read([finished(tmp_path / "a")])
    found = {section.title: section for section in sections([run])}
    assert list(found) == TITLES
    assert verdict(run.metrics, "dev") in found["Verdict"].parts[0]
    assert f"{run.metrics['dev']['adapted']['ndcg@10']:.3f}" in cells(found["Scores"])
    assert {"kind: x", "40"} <= set(cells(found["Slices"])) and "100.0%" in cells(found["Mixture"])
    assert {"dropped: teacher", "kept by ann", "0.125"} <= set(cells(found["Negatives"]))
    assert "0.9044" in cells(found["Teacher"]) and "copies" in cells(found["Provenance"])
    assert "A: Dev was carved out." in found["Provenance"].parts and "name: first" in found["Config"].parts[-1].text


def test_queries_are_the_largest_changes_and_none_where_none_is_wanted(tmp_path):
    [run] = read([finished(tmp_path / "a", lift=0.0)])
    [_, grid] = sections([run], queries=2)[6].parts
    wide = run.per_query.pivot("arm", index="query", values="ndcg@10")
    change = dict(wide.select("query", pl.col("adapted") - pl.col("zero_shot")).iter_rows())
    ordered = sorted(change, key=change.get)
    assert [row[1] for row in grid.rows] == [ordered[-1], ordered[-2], ordered[0], ordered[1]]
    assert [float(row[-1]) for row in grid.rows] == [pytest.approx(change[row[1]], abs=1e-3) for row in grid.rows]
    assert "fridge" not in str(sections([run], queries=0))


def test_every_run_is_compared_with_the_first(tmp_path):
    folders = [finished(tmp_path / f"{i}", lift, f"run{i}") for i, lift in enumerate((0.1, 0.3, 0.1))]
    runs = read(folders)
    told = sections(runs)
    better, same = told[0].parts[-2:]
    assert "B has +20.0 points" in better and better.endswith("better.") and "+0.0" in same
    assert same.endswith("inconclusive.")
    [option] = [row for row in told[-1].parts[-3].rows if row[0] == "model.name"]
    assert option == ["model.name", "run0", "run1", "run2"]
    found = against_first(runs, "dev")
    assert found[0].p_value == pytest.approx(2 * found[0].difference.p_value)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_is_the_closed_test_of_bonferroni(p_values):
    places = range(len(p_values))
    sets = [s for size in places for s in itertools.combinations(places, size + 1)]
    naive = [max(min(1, len(s) * min(p_values[i] for i in s)) for s in sets if place in s) for place in places]
    assert holm(p_values) == pytest.approx(naive)


def test_a_run_that_cannot_be_read_is_one_sentence(tmp_path):
    good = finished(tmp_path / "good")
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "error.txt").write_text("temperature.value=-1 cannot divide a score.\n")
    other = finished(tmp_path / "other", corpus_digest="else")
    asked = finished(tmp_path / "asked", query="other words")
    torn = finished(tmp_path / "torn")
    (torn / "metrics.json").write_text("{")
    bare = finished(tmp_path / "bare")
    (bare / "metrics.json").write_text(json.dumps({"run": 1}))
    for folders, words in [
        ([], ["runs=[]"]), ("outputs/a", ["runs=outputs/a", "list"]), ([tmp_path / "none"], ["not an existing folder"]),
        ([tmp_path / "failed"], ["no finished run", "(it ended with: temperature.value=-1 cannot divide a score);"]),
        ([good, good], ["twice"]), ([good, other], ["one domain"]),
        ([torn], ["torn", "cannot be read"]), ([bare], ["bare", "corpus"]), ([good, asked], ["not the same"]),
    ]:  # fmt: skip
        with pytest.raises(InputError) as error:
            sections(read(folders))
        assert all(word in str(error.value) for word in words) and "\n" not in str(error.value), error.value
    with pytest.raises(InputError, match=r"split=audit .* has dev;"):
        sections(read([good]), split="audit")


def test_a_page_shows_text_as_text_and_needs_nothing_else(tmp_path):
    run = finished(tmp_path / "a", query=HOSTILE, name=HOSTILE, notices=[HOSTILE])
    written = page(HOSTILE, sections(read([run])))
    assert "<script" not in written and "&lt;script&gt;" in written
    assert "src=" not in written and "http" not in written.replace("http-equiv", "")


def test_a_page_that_cannot_be_written_names_its_option(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^out="):
        Page(str(tmp_path / "file" / "page.html"))("title", [], [], Console(quiet=True))
