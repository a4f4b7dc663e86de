"""The sample of queries: its cells, its chances, and estimates that its weights make unbiased."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.judging.asked import Asked
from shoptalk.judging.leaving import weighed
from shoptalk.judging.sampling import Sampling, shared
from shoptalk.sources.forms import form


def zipf(count=400, counted=True):
    """Queries of three forms, the n-th asked in proportion to 1 / n."""
    shapes = ("heart attack {}", "what is sign {} of it?", "HP:{:04d}")
    queries = sorted(shapes[n % 7 % 3].format(n) for n in range(count))
    order = np.random.default_rng(0).permutation(count) + 1
    searches = np.ceil(10_000 / order) if counted else np.ones(count)
    return Asked(pl.DataFrame({"query": queries, "searches": searches}), counted)


def test_cells_hold_what_their_names_say():
    asked = zipf()
    whole = Sampling(queries=400).draw(asked, form, 0).sort("searches", descending=True)
    share = (whole["searches"].cum_sum() - whole["searches"]) / whole["searches"].sum()
    expected = ["head" if s < 1 / 3 else "torso" if s < 2 / 3 else "tail" for s in share]
    # Queries asked alike often may lie on either side of a border.
    borders = {whole.filter(pl.col("traffic") == t)["searches"].min() for t in ("head", "torso")}
    away = [s not in borders for s in whole["searches"]]
    assert [t for t, a in zip(whole["traffic"], away, strict=True) if a] == [
        e for e, a in zip(expected, away, strict=True) if a
    ]
    assert whole["form"].to_list() == [form(query) for query in whole["query"]]
    assert set(whole["inclusion_probability"]) == {1.0}
    cells = whole.group_by("traffic", "form").agg(
        n=pl.len(),
        searches=pl.col("searches").sum(),
        held=pl.col("population").first(),
        told=pl.col("cell_searches").first(),
    )
    assert cells["n"].to_list() == cells["held"].to_list()
    assert cells["searches"].to_list() == pytest.approx(cells["told"].to_list())


def test_chances_sum_to_the_sample_and_weights_to_the_population():
    asked = zipf()
    sample = Sampling(queries=120).draw(asked, form, 3)
    assert sample.height == 120 and sample["query_id"].n_unique() == 120
    cells = sample.group_by("traffic", "form").agg(
        taken=pl.len(), chance=pl.col("inclusion_probability").first(), held=pl.col("population").first()
    )
    # Over all queries, drawn or not, the chances sum to the number drawn.
    assert (cells["chance"] * cells["held"]).sum() == pytest.approx(120)
    assert (1 / sample["inclusion_probability"]).sum() == pytest.approx(400)
    assert cells["taken"].to_list() == pytest.approx((cells["chance"] * cells["held"]).to_list())


def test_weighted_totals_are_unbiased_over_seeds():
    """Horvitz and Thompson's estimate of two known totals, and the mean weighted to traffic."""
    asked, sampling = zipf(), Sampling(queries=60, power=0.5)
    value = pl.col("query").str.len_chars() + (pl.col("query").str.ends_with("7")).cast(pl.Int64) * 50
    truth = asked.table.select(value=value.sum(), traffic=(value * pl.col("searches")).sum()).row(0)
    found = []
    for seed in range(150):
        sample = weighed(sampling.draw(asked, form, seed).with_columns(split=pl.lit("test")))
        found.append(sample.select((value * pl.col("weight")).sum(), t=(value * pl.col("traffic_weight")).sum()).row(0))
    means, errors = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(means - truth) < 3.5 * errors)
    assert np.all(errors < 0.015 * np.array(truth))


def test_a_sample_is_a_function_of_seed_and_query_alone():
    asked, sampling = zipf(), Sampling(queries=100)
    one = sampling.draw(asked, form, 0)
    assert one.equals(sampling.draw(asked, form, 0))
    assert set(one["query"]) != set(sampling.draw(asked, form, 1)["query"])
    # A query's id is its own, whoever else is drawn.
    more = Sampling(queries=200).draw(asked, form, 5)
    both = one.join(more, on="query")
    assert both.height and both["query_id"].equals(both["query_id_right"].alias("query_id"))


def test_the_first_queries_are_a_sample_too():
    """The order in which queries are graded must not favour a cell."""
    asked = zipf()
    firsts = [Sampling(queries=100).draw(asked, form, seed)["traffic"].head(20).to_list() for seed in range(60)]
    whole = Sampling(queries=100).draw(asked, form, 0)["traffic"].value_counts()
    for traffic, count in whole.iter_rows():
        mean = np.mean([names.count(traffic) for names in firsts])
        assert abs(mean - count / 5) < 0.8


def test_without_counts_there_is_no_traffic():
    sample = Sampling(queries=50).draw(zipf(counted=False), form, 0)
    assert set(sample["traffic"]) == {"unknown"} and sample.height == 50


def test_more_than_there_are_takes_all():
    assert Sampling(queries=9_999).draw(zipf(), form, 0).height == 400


@given(
    st.lists(st.tuples(st.integers(1, 300), st.floats(0.5, 1e4)), min_size=1, max_size=12),
    st.integers(1, 400),
)
def test_shares_are_within_bounds_and_near_proportional(cells, count):
    held, size = np.array([h for h, _ in cells]), np.array([s for _, s in cells])
    if len(cells) > count:
        with pytest.raises(InputError, match=f"at least {len(cells)}"):
            shared(held, size, count)
        return
    taken = shared(held, size, count)
    assert taken.sum() == min(count, held.sum()) and np.all(taken >= 1) and np.all(taken <= held)
    # No move of one query from a cell to another brings shares nearer to proportion.
    free, full = np.flatnonzero(taken < held), np.flatnonzero(taken > 1)
    if len(free) and len(full):
        assert (size[free] / (taken[free] + 0.5)).max() <= (size[full] / (taken[full] - 0.5)).min() * (1 + 1e-9)


def test_powers_go_from_alike_to_proportional():
    held, size = np.array([1000, 1000, 1000]), np.array([900.0, 90.0, 10.0])
    assert shared(held, size**0, 99).tolist() == [33, 33, 33]
    assert shared(held, size, 100).tolist() == [90, 9, 1]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"queries": 0}, "sampling.queries=0"),
        ({"queries": True}, "sampling.queries=True"),
        ({"head": 0}, "sampling.head=0"),
        ({"head": 0.5, "torso": 0.5}, "sum to less than 1"),
        ({"power": 1.1}, "sampling.power=1.1"),
    ],
)
def test_impossible_options(options, words):
    with pytest.raises(InputError, match=words):
        Sampling(**options)
