import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from losses.batches import draw

from shoptalk.errors import InputError
from shoptalk.losses import KL, InfoNCE, MarginMSE, Matryoshka

BASES = [InfoNCE(), InfoNCE(True, 0.1), KL(), MarginMSE(), MarginMSE("dot")]
SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(BASES), SIZES, st.data())
def test_the_sum_of_the_base_over_cut_vectors(seed, base, sizes, data):
    weights = data.draw(st.none() | st.lists(st.floats(0.1, 3), min_size=len(sizes), max_size=len(sizes)))
    drawn = draw(seed)
    parts = [base(*drawn.cut(size).arguments()).item() for size in sizes]
    expected = sum(part * weight for part, weight in zip(parts, weights or [1] * len(sizes), strict=True))
    found = Matryoshka(base, sizes, weights)
    assert found(*drawn.arguments()).item() == pytest.approx(expected, rel=1e-6)
    assert found.needs == base.needs


def test_entries_beyond_the_longest_get_no_gradient():
    queries, documents, *rest = draw(0).arguments()
    Matryoshka(InfoNCE(), [2, 4])(queries, documents, *rest).backward()
    assert (queries.grad.abs().sum(dim=0) > 0).tolist() == [True] * 4 + [False] * 2


@pytest.mark.parametrize("bad", [[], [0, 4], [-1], [4, 4], [2.5], ["4"]])
def test_lengths_that_cannot_be_cut_are_refused(bad):
    with pytest.raises(InputError, match=r"loss\.matryoshka"):
        Matryoshka(InfoNCE(), bad)


def test_a_length_above_the_models_is_refused():
    with pytest.raises(InputError, match="up to 6"):
        Matryoshka(InfoNCE(), [4, 7])(*draw(0).arguments())


@pytest.mark.parametrize("bad", [[1.0], [1.0, 0.0], [1.0, float("nan")]])
def test_weights_that_fit_no_length_are_refused(bad):
    with pytest.raises(InputError, match="weights"):
        Matryoshka(InfoNCE(), [4, 2], bad)
