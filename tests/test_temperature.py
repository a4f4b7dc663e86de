import pytest
import torch

from shoptalk.errors import InputError
from shoptalk.temperature import Annealed, Fixed, Learned


@pytest.mark.parametrize("bad", [0, -0.1, float("nan"), float("inf"), "hot"])
def test_what_cannot_divide_is_refused(bad):
    for make in (lambda: Fixed(bad), lambda: Annealed(bad, 0.1), lambda: Learned(0.05, 0.01, bad)):
        with pytest.raises(InputError, match="temperature"):
            make()
    with pytest.raises(InputError, match=f"temperature.by_source.clicks={bad}"):
        Fixed(0.05, by_source={"clicks": bad})


def test_annealed_ends_where_it_says():
    annealed = Annealed(0.1, 0.02)
    values = [annealed(p / 10).item() for p in range(11)]
    assert values[0] == pytest.approx(0.1) and values[-1] == pytest.approx(0.02)
    assert values == sorted(values, reverse=True)


def test_learned_moves_with_its_gradient_and_keeps_its_bounds():
    learned = Learned(0.05, 0.01, 0.2)
    optimizer = torch.optim.SGD(learned.parameters(), lr=10.0)
    learned(0.0).backward()
    optimizer.step()
    assert learned(0.0).item() < 0.05
    with torch.no_grad():
        learned.log.fill_(5.0)
    assert learned(0.0).item() == pytest.approx(0.2)


@pytest.mark.parametrize("make", [lambda **o: Fixed(0.05, **o), lambda **o: Learned(0.05, 0.01, 0.2, **o),
                                  lambda **o: Annealed(0.1, 0.02, **o)])  # fmt: skip
def test_sources_with_their_own_temperature_are_those_that_name_one(make):
    assert make().by_source == {} == make(by_source={"clicks": None}).by_source
    assert make(by_source={"clicks": None, "labels": 0.1}).by_source == {"labels": 0.1}


def test_learned_outside_its_bounds_is_refused():
    with pytest.raises(InputError, match="within"):
        Learned(0.5, 0.01, 0.2)
