"""What holds for all filters of the shipped configuration."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from composing import CONF, composed
from hydra.utils import instantiate
from omegaconf import OmegaConf
from toy_ground import toy, written

from shoptalk.errors import InputError
from shoptalk.sources.synthetic import filters

VALVES = [
    ("Valve leak", "What is it called when the oil of the valve drips? The β-oil is thin and the seat is worn."),
    ("弁の漏れ", "バルブから油が漏れる。USB と V2 の弁。"),
    ("Утечка клапана", "Масло течёт из клапана."),
    ("0815", "4711"),
]


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def commented() -> dict[str, str]:
    """What the comment above each filter that is off would switch on."""
    lines = (CONF / "data" / "synthetic.yaml").read_text().splitlines()
    off = {line.strip().removesuffix(": null"): above for above, line in pairwise(lines) if line.endswith(": null")}
    return {name: above.strip().removeprefix("# ") for name, above in off.items()}


@pytest.fixture
def every(tmp_path) -> dict:
    """The filters of the shipped configuration, those in its comments included."""
    assert set(commented()) == {"near_tied", "round_trip", "cross_encoder"}
    switched = [f"data.sources.synthetic.filters.{name}={said}" for name, said in commented().items()]
    cfg = composed(tmp_path, "data=synthetic", *switched).data.sources.synthetic.filters
    built = instantiate(OmegaConf.to_container(cfg, resolve=True))
    assert built["round_trip"].depths["abbreviation"] is None
    return {**built, "near_tied": filters.NearTied(2), "round_trip": filters.RoundTrip(1)}


def embed(texts, kind):
    """Letters counted."""
    return unit([[1e-3 + text.lower().count(letter) for letter in "abcdefghilmnoprstuvw"] for text in texts])


ASKED = [
    "valve leak", "Valve leak.", "oil of the valve drips seat", "Sure, here is one: valve", "клапан", "x",
    "valve leaks", "what is it called when the oil of the valve drips thin seat worn", "la soupape fuit sous le pont",
    "jane@example.org", "valve https://a.example", "worn seat",
]  # fmt: skip


def test_order_changes_nothing_and_what_is_kept_is_kept_again(every):
    ground = toy(VALVES, embed)
    table = written(*((row, q) for row in range(3) for q in ASKED))
    order = np.random.default_rng(0).permutation(table.height)
    del every["cross_encoder"]  # needs a model
    for name, one in every.items():
        dropped = one.drops(table, ground)
        assert dropped.dtype == bool and dropped.shape == (table.height,)
        kept = table.filter(~pl.Series(dropped))
        assert not one.drops(kept, ground).any(), name
        assert one.drops(table.clear(), ground).shape == (0,), name
        if name != "near_duplicate":  # of two, the later goes
            assert (one.drops(table[order], ground) == dropped[order]).all(), name


def test_reasons_are_distinct(every):
    assert len({one.reason for one in every.values()}) == len(every)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: filters.Length(0), "filters.length.min_characters=0"),
        (lambda: filters.Generic(0), "filters.generic.documents=0"),
        (lambda: filters.NearDuplicate(0), "filters.near_duplicate.similarity=0"),
        (lambda: filters.AcrossDocuments(1.5), "filters.across_documents.similarity=1.5"),
        (lambda: filters.CopyOverlap(words=0), "filters.copy_overlap.words=0"),
        (lambda: filters.CopyOverlap(share_of_query=True), "filters.copy_overlap.share_of_query=True"),
        (lambda: filters.OtherLanguage(0), "filters.other_language.unknown=0"),
        (lambda: filters.Instructed(-1), "filters.instructed.known=-1"),
        (lambda: filters.PersonalData(["name"]), "filters.personal_data.patterns names 'name'"),
        (lambda: filters.PersonalData(national_ids=["xx"]), "filters.personal_data.national_ids names 'xx'"),
        (lambda: filters.RoundTrip(0), "filters.round_trip.depth=0"),
        (lambda: filters.RoundTrip(depths={"keyword": 0}), "filters.round_trip.depths.keyword=0"),
        (lambda: filters.NearTied(0), "filters.near_tied.documents=0"),
        (lambda: filters.NearTied(margin=-0.1), "filters.near_tied.margin=-0.1"),
        (lambda: filters.CrossEncoder("m", float("nan")), "filters.cross_encoder.logit=nan"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused_by_name(make, said):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value).startswith(said)
