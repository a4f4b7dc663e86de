import inspect
import math

import pytest
from composing import CONF
from hydra.utils import get_class, instantiate
from losses.batches import draw
from omegaconf import OmegaConf

from shoptalk.errors import InputError
from shoptalk.losses import InfoNCE, Loss, Matryoshka, SpreadOut, composed

FILES = sorted((CONF / "loss").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_config_builds_a_loss_and_lists_every_option_with_its_default(path):
    config = OmegaConf.load(path)
    loss = instantiate(config)
    assert isinstance(loss, Loss) and loss(*draw(0).arguments()).isfinite()
    for node, made in ((config, composed), (config.base, get_class(config.base._target_))):
        options = inspect.signature(made).parameters
        assert list(node) == ["_target_", *options]
        defaults = {name: option.default for name, option in options.items() if name != "base"}
        assert {name: node[name] for name in defaults} == defaults


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_switches_go_with_every_loss(path):
    config = OmegaConf.merge(OmegaConf.load(path), {"matryoshka": [6, 3], "spread_out": 0.5})
    spread = instantiate(config)
    assert isinstance(spread, SpreadOut) and spread.strength == 0.5
    assert isinstance(spread.base, Matryoshka) and spread.base.dimensions == [6, 3]
    alone = instantiate(config, spread_out=0.0)
    added = spread(*draw(1).arguments()) - alone(*draw(1).arguments())
    once = SpreadOut(InfoNCE(), 0.5)(*draw(1).arguments()) - InfoNCE()(*draw(1).arguments())
    assert added.item() == pytest.approx(once.item(), rel=1e-6)


def test_no_switch_leaves_the_base_alone():
    base = InfoNCE()
    assert composed(base) is base and composed(base, [4]).base is base


@pytest.mark.parametrize("bad", [{"matryoshka": []}, {"spread_out": -0.1}, {"spread_out": math.nan}])
def test_a_bad_switch_is_refused(bad):
    with pytest.raises(InputError, match=f"loss.{next(iter(bad))}"):
        composed(InfoNCE(), **bad)
