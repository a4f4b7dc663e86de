"""How fast is training, against sentence-transformers, when both do the very same work?

Pairs of the embedded domain in batches that both sides take in the same order. No document stands twice in a batch or
answers another of its queries, so that nothing is masked or said once instead of twice: before anything is timed, the
token ids of all batches are compared. In-batch InfoNCE at temperature .05, AdamW with the same rate, decay and linear
warm-up, gradients clipped at norm 1, no dropout, one process. The peer's trainer runs in fp32 and with bf16=True; ours
is shoptalk.fitting.fit with conf/trainer/auto.yaml, dev not watched, in its own precision and, where that is bf16, in
fp32 too. The first 2 steps are left out of speeds on both sides.

    python benchmarks/training/equal_work.py [--steps 20] [--rounds 3] [--negatives 0] [--threads N] [--quality]

Asked: pairs per second at least 5 times those of the peer in fp32 and 2.6 times those of the peer in bf16, each step's
loss within 1 % of the peer's, and with --quality dev nDCG@10 over the full corpus within .005 after --steps 100, which
takes minutes. The ratio to bf16 is judged only where the processor has bf16 units; elsewhere --peer-bf16 tells it,
emulated. --negatives 3 adds three hard negatives to each pair, from ranks 1 to 30 of the base model. Needs
sentence-transformers[train].
"""

import argparse
from tempfile import TemporaryDirectory

import comparing
import ours
import peer
from common import CONSOLE, add_training, parser
from data import Drawn, Ground, config, drawn_for, load
from hydra.utils import instantiate

from shoptalk.negatives.draws import rotate
from shoptalk.system import set_threads
from shoptalk.training.batches import Batches
from shoptalk.training.settings import Settings

ASKED = (5.0, 2.6)


def check_batches(drawn: Drawn, size: int, settings: Settings) -> None:
    """Fail unless both sides' trainers are fed the same."""
    encoder = instantiate(config().model)
    data, _ = ours.prepared(drawn, encoder)
    own = Batches(data, size, 0, lambda kept, *draw: rotate(kept, drawn.per_pair, *draw))
    with TemporaryDirectory() as folder:
        loader = peer.trainer(drawn, size, folder, False, settings).get_train_dataloader()
        comparing.same_batches(list(loader), own, drawn.per_pair)
    CONSOLE.print(f"All {len(own)} batches hold the same token ids on both sides, and nothing is masked.")


def main(chosen: argparse.Namespace) -> None:
    """Compare batches, train, print, write."""
    threads = set_threads(chosen.threads)
    domain = load(chosen.cache)
    drawn = drawn_for(chosen, Ground(domain), threads)
    settings = instantiate(config().trainer)
    check_batches(drawn, chosen.pairs, settings)
    with TemporaryDirectory() as work:
        sides = comparing.sides(drawn, chosen.pairs, settings, work, chosen.peer_bf16)
        figures, last = comparing.measure(sides, chosen.rounds)
    title = comparing.title(chosen, equal=True)
    comparing.show(figures, last, title, curves=True)
    CONSOLE.print(comparing.warm_note())
    checks = [*comparing.checks(figures, title, ASKED), comparing.curve_check(figures, title)]
    comparing.report(chosen, figures, last, checks, domain, equal=True)


if __name__ == "__main__":
    options = parser(__doc__)
    add_training(options)
    main(options.parse_args())
