"""What a log tells, and the sentences for what it does not."""

import polars as pl
import pytest
from click_reading import click_source, counted

from shoptalk.errors import InputError
from shoptalk.sources.clicks.capability import LEVELS, Capability
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.propensity.none import NoCorrection
from shoptalk.sources.clicks.relevance import Clicks, ClickThroughRate
from shoptalk.sources.clicks.signals import Returned

PEOPLE = {"ts_ms", "user_key"}


def log(*ranks_of_a, clicked=False, **more):
    """Document a at these ranks, one search each; nobody clicks but once."""
    rows = [
        {"impression_id": f"i{n}", "ts_ms": n, "position": k, "clicked": clicked or n == 0}
        for n, k in enumerate(ranks_of_a)
    ]
    return pl.DataFrame([row | {"query_raw": "q", "doc_id": "d1"} | more for row in rows])


@pytest.mark.parametrize(
    ("table", "level"),
    [
        (log(1, 1, clicked=True), "L0"),
        (log(1, 1), "L1"),
        (log(1, 2), "L2"),
        (log(1, 2, user_key="u"), "L3"),
        (log(1, 1, user_key="u"), "L1"),
    ],
)
def test_the_level_is_found_from_the_log(table, level, ground, cache, tmp_path):
    table.write_parquet(tmp_path / "log.parquet")
    found = counted(tmp_path / "log.parquet", ground.domain.corpus, cache, vote_days=None).capability
    assert found.level == level
    assert [needs.split(":")[0] for needs, _, _ in found.table()] == [name for name, _, _ in LEVELS]


def test_missing_levels_say_what_would_reach_them():
    bare = Capability(frozenset({"position"}), unclicked=False, varied=0)
    assert dict(bare.lacks()).keys() == {"L1", "L2", "L3"}
    assert "nobody clicked" in dict(bare.lacks())["L1"] and "'user_key' or 'session_id'" in dict(bare.lacks())["L3"]
    with pytest.raises(
        InputError, match=r"x needs a click log of level L1 and this one is L0: add the column 'position'; mend"
    ):
        Capability(frozenset(), True, 0).require("L1", "x", "; mend")
    Capability(frozenset({"position"} | PEOPLE), True, 3).require("L3", "x")


def test_stages_refuse_what_the_log_cannot_serve(ground, tmp_path):
    path = tmp_path / "log.parquet"
    log(1, 1, 1).write_parquet(path)
    mend = r".*; or set propensity=given with propensity\.theta or .*eta .*, or propensity=none relevance=clicks "
    for more in ({}, {"context": "device"}):
        with pytest.raises(InputError, match=rf"^propensity=all_pairs needs .* level L2 and this one is L1{mend}"):
            click_source(path, propensity=AllPairs(), **more).read("x", ground)
    assert "assumed" in " ".join(click_source(path, propensity=Given()).read("x", ground).notices)
    with pytest.raises(InputError, match="context=device needs a column of that name"):
        click_source(path, context="device").read("x", ground)
    with pytest.raises(InputError, match=r"'returned_to_serp', which signals\.back needs"):
        click_source(path, signals={"back": Returned(weight=0)}).read("x", ground)


def test_clicked_pairs_alone_give_counts_and_no_rates(ground, tmp_path):
    path = tmp_path / "log.parquet"
    log(1, 1, 1, clicked=True).write_parquet(path)
    parts = {"propensity": NoCorrection(), "relevance": Clicks()}
    assert click_source(path, **parts).read("x", ground).pairs.height == 1
    for part, said in (
        ({"propensity": Given()}, "propensity=given"),
        ({"relevance": ClickThroughRate()}, "relevance=ctr"),
    ):
        mend = "add [^;]*; or set propensity=none relevance=clicks to take clicks as they are"
        with pytest.raises(InputError, match=f"^{said} needs a click log of level L1 and this one is L0: {mend}"):
            click_source(path, **(parts | part)).read("x", ground)
