"""Searchers of every click model over a small world, and logs by hand."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from shoptalk.sources.clicks.observed import Observed


def shown_lists(sessions, seed=0, queries=100, documents=12, ranks=6, rankers=4, zipf=1.0):
    """Query [S] and document [S, ranks] that fixed rankers show; ``quality`` [queries, documents] in [0, 1]."""
    random = np.random.default_rng([seed, 0])
    quality = random.beta(0.6, 1.2, (queries, documents))
    scores = quality + random.normal(0, 0.5, (rankers, queries, documents))
    orders = np.argsort(-scores, axis=2)[:, :, :ranks]
    share = 1 / np.arange(1, queries + 1) ** zipf
    query = random.choice(queries, sessions, p=share / share.sum())
    return query, orders[random.integers(0, rankers, sessions), query], quality


def position_clicks(attraction, theta, random):
    return random.random(attraction.shape) < attraction * theta


def browsing_clicks(attraction, table, random):
    """``table`` [rank, previous]: chance of a look, previous 0 for no click above."""
    clicked = np.zeros(attraction.shape, dtype=bool)
    previous = np.zeros(len(attraction), dtype=np.int64)
    for k in range(attraction.shape[1]):
        clicked[:, k] = random.random(len(attraction)) < attraction[:, k] * table[k, previous]
        previous[clicked[:, k]] = k + 1
    return clicked


def descending_clicks(attraction, onward, random):
    """Down the list; after a click on with the chance ``onward`` [S, K]."""
    clicked, looking = np.zeros(attraction.shape, dtype=bool), np.ones(len(attraction), dtype=bool)
    for k in range(attraction.shape[1]):
        clicked[:, k] = looking & (random.random(len(attraction)) < attraction[:, k])
        looking &= ~clicked[:, k] | (random.random(len(attraction)) < onward[:, k])
    return clicked


def counted(rows):
    """Observed from tuples (query_id, doc_id, position, impressions, clicks), in order."""
    schema = {
        "query_id": pl.Int32,
        "doc_id": pl.String,
        "position": pl.Int16,
        "impressions": pl.Float64,
        "clicks": pl.Float64,
    }
    return Observed(pl.DataFrame(sorted(rows), schema=schema, orient="row"))


def relative_error(theta, truth):
    """Mean over ranks 2, 3, … once rank 1 is 1."""
    theta, truth = np.asarray(theta), np.asarray(truth)
    return float(np.abs(theta[1:] / theta[0] / (truth[1:] / truth[0]) - 1).mean())


@pytest.fixture(scope="session")
def worlds():
    return SimpleNamespace(
        shown_lists=shown_lists,
        position_clicks=position_clicks,
        browsing_clicks=browsing_clicks,
        descending_clicks=descending_clicks,
        counted=counted,
        relative_error=relative_error,
    )


@pytest.fixture(scope="session")
def position_log(worlds):
    """150,000 searches of the position-based model with theta = 1 / k."""
    query, document, quality = worlds.shown_lists(150_000)
    theta = 1 / np.arange(1, 7)
    attraction = quality[query[:, None], document]
    clicked = worlds.position_clicks(attraction, theta, np.random.default_rng(1))
    return SimpleNamespace(
        query=query,
        document=document,
        clicked=clicked,
        theta=theta,
        quality=quality,
        observed=Observed.of_lists(query, document, clicked),
    )
