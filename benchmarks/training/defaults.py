"""How fast is training, against sentence-transformers, when each tool does what it does by default?

The same pairs of the embedded domain, 64 a step, the peer's one change from its defaults but that it is told how many
steps to take and to keep quiet. The peer shuffles them and trains with the model's own dropout and no warm-up, in fp32
or with bf16=True. Ours is shoptalk.fitting.fit with conf/trainer/auto.yaml, dev not watched. As the work is not equal,
losses say nothing about each other: equal_work.py compares them. The first 2 steps are left out of speeds.

    python benchmarks/training/defaults.py [--steps 20] [--rounds 3] [--negatives 0] [--threads N] [--quality]

Asked: pairs per second at least 7 times those of the peer in fp32 and 3.2 times those of the peer in bf16; with
--negatives 3, hard ones from ranks 1 to 30 of the base model, 5 and 2.6 times; with --quality dev nDCG@10 over the full
corpus no more than .005 below the peer's. The ratio to bf16 is judged only where the processor has bf16 units;
elsewhere --peer-bf16 tells it, emulated. Needs sentence-transformers[train].
"""

import argparse
from tempfile import TemporaryDirectory

import comparing
from common import CONSOLE, add_training, parser
from data import Ground, drawn_for, load

from shoptalk.system import set_threads

ASKED, ASKED_NEGATIVES = (7.0, 3.2), (5.0, 2.6)


def main(chosen: argparse.Namespace) -> None:
    """Train, print, write."""
    threads = set_threads(chosen.threads)
    domain = load(chosen.cache)
    drawn = drawn_for(chosen, Ground(domain), threads)
    with TemporaryDirectory() as work:
        sides = comparing.sides(drawn, chosen.pairs, None, work, chosen.peer_bf16)
        figures, last = comparing.measure(sides, chosen.rounds)
    title = comparing.title(chosen, equal=False)
    comparing.show(figures, last, title, curves=False)
    CONSOLE.print(comparing.warm_note())
    asked = ASKED_NEGATIVES if chosen.negatives else ASKED
    comparing.report(chosen, figures, last, comparing.checks(figures, title, asked), domain, equal=False)


if __name__ == "__main__":
    options = parser(__doc__)
    add_training(options)
    main(options.parse_args())
