"""``train()`` on the tiny domain with a tiny model."""

import tiny_domain
from composing import composed
from tiny_models import bert

from shoptalk.experiment import train

TEACHER = (
    "teacher=own", "teacher.max_pairs=40", "teacher.layers=null", "teacher.max_length=null", "teacher.deep_low=20",
    "teacher.deep_high=50",
)  # fmt: skip


def runs(folder, *fixed):
    """``run(name, *overrides)``, each in a folder of its own, with ``fixed`` overrides and one cache."""
    domain, model = tiny_domain.write(folder / "domain"), bert(folder / "model")
    ground = (f"domain.path={domain}", f"model.name={model}", f"cache.root={folder}/cache")

    def run(name, *overrides):
        return train(composed(folder / name, *fixed, *ground, *overrides))

    return run
