"""Every option of the group builds its object; what cannot be measured is refused."""

import re

import pytest
from composing import CONF, options
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from shoptalk.efficiency.budget import Budget
from shoptalk.efficiency.options import Efficiency
from shoptalk.errors import InputError


def built(option: str, *overrides: str) -> Efficiency:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return instantiate(compose(f"efficiency/{option}", [f"efficiency.{word}" for word in overrides]).efficiency)


@pytest.mark.parametrize("option", options("efficiency"))
def test_an_option_builds_its_object(option):
    assert isinstance(built(option), Efficiency)


def test_none_measures_where_a_budget_asks_for_it():
    none = built("none")
    assert none.asked(Budget()).queries == 0 and none.asked(Budget(latency_ms=5)).queries == 100
    assert built("none", "queries=7").asked(Budget(latency_ms=5)).queries == 7
    assert built("measured").asked(Budget()).queries == 100
    assert Efficiency() == Efficiency(
        **{**vars(none), "dimensions": (), "index_precisions": ("fp32",), "model_precisions": ("auto",)}
    )


def test_precisions_are_named_on_the_command_line():
    found = built("measured", "index_precisions=[binary+int8,int4]", "dimensions=[64]", "model_precisions=null")
    assert list(found.index_precisions) == ["binary+int8", "int4"] and found.model_precisions is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"queries": -1}, "efficiency.queries=-1 is not possible"),
        ({"rounds": 0}, "efficiency.rounds=0 is not possible"),
        ({"dimensions": [0]}, "efficiency.dimensions=0 is not possible"),
        ({"index_precisions": ["int2"]}, "efficiency.index_precisions names int2, which is none of fp32, int8, int4"),
        ({"model_precisions": ["int8"]}, "efficiency.model_precisions names int8, which is none of auto, fp32, bf16"),
        ({"index_precisions": []}, "efficiency.index_precisions is empty"),
    ],
)
def test_bad_options_say_so(given, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        Efficiency(**given)
