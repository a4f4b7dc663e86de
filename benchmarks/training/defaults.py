"""How fast is training, against sentence-transformers, when each tool does what it does by default?

The same pairs of the embedded domain, 64 a step, the peer's one change from its defaults but that it is told how many
steps to take and to keep quiet. The peer shuffles them and trains with the model's own dropout and no warm-up, in fp32
or with bf16=True. Ours is shoptalk.fitting.fit with conf/trainer/auto.yaml, dev not watched. As the work is not equal,
losses say nothing about each other: equal_work.py compares them. The first 2 steps are left out of speeds.

    python benchmarks/training/defaults.py [--steps 20] [--rounds 3] [--threads N]

Asked: pairs per second at least 7 times those of the peer in fp32 and 3.2 times those of the peer in bf16. The latter
is judged only where the processor has bf16 units; elsewhere --peer-bf16 tells it, emulated. Needs
sentence-transformers[train].
"""

import argparse
from tempfile import TemporaryDirectory

import comparing
from common import CONSOLE, add_bf16, add_work, judge, parser, write
from data import Ground, config, draw, load

from shoptalk.run import set_threads

ASKED = (7.0, 3.2)


def main(chosen: argparse.Namespace) -> None:
    """Train, print, write."""
    set_threads(chosen.threads)
    size = config().trainer.batch_size
    drawn = draw(Ground(load(chosen.cache)), size, chosen.steps, chosen.seed)
    with TemporaryDirectory() as work:
        sides = comparing.sides(drawn, size, None, work, chosen.peer_bf16)
        figures, last = comparing.measure(sides, chosen.rounds)
    comparing.show(figures, last, "Defaults", curves=False)
    CONSOLE.print(comparing.warm_note())
    checks = comparing.checks(figures, "Defaults", ASKED)
    judge(checks)
    write({"steps": chosen.steps, "pairs": size, "seed": chosen.seed, "sides": figures}, checks, chosen.out, "defaults")


if __name__ == "__main__":
    options = parser(__doc__)
    add_work(options)
    options.add_argument("--steps", type=int, default=20, help="optimizer steps of a run (20)")
    add_bf16(options)
    main(options.parse_args())
