import numpy as np
import polars as pl
import pytest

from shoptalk.errors import InputError
from shoptalk.sources.clicks.observed import Observed
from shoptalk.sources.clicks.propensity.browsing import Cascade
from shoptalk.sources.clicks.propensity.context import ByContext
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.propensity.intervention import AllPairs
from shoptalk.sources.clicks.propensity.none import NoCorrection

THETA = {"desktop": 1 / np.arange(1, 7) ** 0.5, "phone": 1 / np.arange(1, 7) ** 1.5, "watch": np.ones(6)}
SESSIONS = {"desktop": 60_000, "phone": 60_000, "watch": 100}


@pytest.fixture(scope="module")
def devices(worlds):
    tables = []
    for number, (name, theta) in enumerate(THETA.items()):
        query, document, quality = worlds.shown_lists(200_000, seed=3)
        chosen = slice(number * 60_000, number * 60_000 + SESSIONS[name])
        query, document = query[chosen], document[chosen]
        clicked = worlds.position_clicks(quality[query[:, None], document], theta, np.random.default_rng(number))
        table = Observed.of_lists(query, document, clicked).by_position
        tables.append(table.with_columns(pl.lit(name).alias("context"), number=pl.col("doc_id").cast(int)))
    table = pl.concat(tables).sort("query_id", "number", "position", "context").drop("number")
    return Observed(table.select("query_id", "doc_id", "position", "context", "impressions", "clicks"))


def curve(observed, found, context):
    """theta by rank in one context, all its rows of a rank being equal."""
    rows = observed.by_position.with_columns(theta=found.rows).filter(pl.col("context") == context)
    by_rank = rows.group_by("position").agg(pl.col("theta").min(), high=pl.col("theta").max()).sort("position")
    assert by_rank["theta"].to_numpy() == pytest.approx(by_rank["high"].to_numpy())
    return by_rank["theta"].to_numpy()


def test_each_context_finds_its_own_examination(worlds, devices):
    found = ByContext(AllPairs(), strength=0).estimate(devices)
    for name in ("desktop", "phone"):
        assert worlds.relative_error(curve(devices, found, name), THETA[name]) < 0.08
    assert ((found.rows > 0) & (found.rows <= 1)).all()


def test_what_has_too_little_takes_the_common_estimate_and_that_is_said(devices):
    found = ByContext(AllPairs()).estimate(devices)
    assert curve(devices, found, "watch") == pytest.approx(found.theta)
    assert [notice for notice in found.notices if "watch" in notice and "600" in notice]
    assert not [notice for notice in found.notices if "phone" in notice]


def test_estimates_are_drawn_to_the_common_one_by_their_impressions(devices):
    alone = ByContext(AllPairs(), strength=0).estimate(devices)
    half = ByContext(AllPairs(), strength=360_000).estimate(devices)  # as many as each device has
    for name in ("desktop", "phone"):
        middle = (np.log(curve(devices, alone, name)) + np.log(half.theta)) / 2
        assert np.log(curve(devices, half, name)) == pytest.approx(middle - middle.max(), abs=1e-6)


def test_the_common_estimate_is_that_of_the_log_without_contexts(devices):
    keys = ["query_id", "doc_id", "position"]
    merged = devices.by_position.group_by(keys, maintain_order=True).agg(pl.col("impressions", "clicks").sum())
    assert ByContext(AllPairs()).estimate(devices).theta == pytest.approx(AllPairs().estimate(Observed(merged)).theta)


def test_estimators_beside_the_chosen_one_see_through_contexts(devices):
    """They are handed the table with its contexts, too."""
    common = ByContext(AllPairs()).estimate(devices).theta
    assert AllPairs().estimate(devices).theta == pytest.approx(common, rel=0.02)


def test_a_log_without_contexts_is_estimated_as_a_whole(position_log):
    found = ByContext(AllPairs()).estimate(position_log.observed)
    assert found.theta == pytest.approx(AllPairs().estimate(position_log.observed).theta)


def test_what_is_assumed_stays_assumed(devices):
    assert ByContext(Given(eta=1.0)).estimate(devices).assumed


@pytest.mark.parametrize("options", [{"min_impressions": -1}, {"strength": -1}])
def test_impossible_options(options):
    with pytest.raises(InputError, match=next(iter(options))):
        ByContext(AllPairs(), **options)


def test_estimators_of_whole_lists_cannot_be_split():
    with pytest.raises(InputError, match="Cascade"):
        ByContext(Cascade())


def test_no_correction_says_so(position_log):
    found = NoCorrection().estimate(position_log.observed)
    assert found.theta.tolist() == [1.0] * 6
    assert not found.assumed
    assert any("not corrected" in notice for notice in found.notices)
