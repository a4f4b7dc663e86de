"""How fast is training, against sentence-transformers, when both do the very same work?

Pairs of the embedded domain in batches that both sides take in the same order. No document stands twice in a batch or
answers another of its queries, so that nothing is masked or said once instead of twice: before anything is timed, the
token ids of all batches are compared. In-batch InfoNCE at temperature .05, AdamW with the same rate, decay and linear
warm-up, gradients clipped at norm 1, no dropout, one process. The peer's trainer runs in fp32 and with bf16=True; ours
is shoptalk.fitting.fit with conf/trainer/auto.yaml, dev not watched, in its own precision and, where that is bf16, in
fp32 too. The first 2 steps are left out of speeds on both sides.

    python benchmarks/training/equal_work.py [--steps 20] [--rounds 3] [--negatives 0] [--threads N] [--quality]

Asked: pairs per second at least 5 times those of the peer in fp32 and 2.6 times those of the peer in bf16. The latter
is judged only where the processor has bf16 units; elsewhere --peer-bf16 tells it, emulated. --negatives 3 adds three
hard negatives to each pair, from ranks 1 to 30 of the base model. --quality measures dev nDCG@10 over the full corpus,
which takes minutes. Needs sentence-transformers[train].
"""

import argparse
from tempfile import TemporaryDirectory

import comparing
import ours
import peer
from common import CONSOLE, add_bf16, add_work, judge, parser, write
from data import Drawn, Ground, config, draw, load, miner
from hydra.utils import instantiate

from shoptalk.cache import Cache
from shoptalk.embedding import CachedEmbed
from shoptalk.negatives.draws import rotate
from shoptalk.run import set_threads
from shoptalk.training.batches import Batches
from shoptalk.training.settings import Settings

ASKED = (5.0, 2.6)


def drawn_pairs(chosen: argparse.Namespace, ground: Ground, threads: int) -> Drawn:
    """The pairs of the run, with hard negatives where asked."""
    mine = None
    if chosen.negatives:
        mine = miner(ground, CachedEmbed(instantiate(config().model), Cache(chosen.cache), threads))
    return draw(ground, chosen.pairs, chosen.steps, chosen.seed, mine, chosen.negatives)


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
    drawn = drawn_pairs(chosen, Ground(domain), threads)
    settings = instantiate(config().trainer)
    check_batches(drawn, chosen.pairs, settings)
    with TemporaryDirectory() as work:
        sides = comparing.sides(drawn, chosen.pairs, settings, work, chosen.peer_bf16)
        figures, last = comparing.measure(sides, chosen.rounds)
    title = f"Equal work, {chosen.negatives} hard negatives" if chosen.negatives else "Equal work"
    comparing.show(figures, last, title, curves=True)
    CONSOLE.print(comparing.warm_note())
    scores = comparing.qualities(last, domain) if chosen.quality else {}
    for name, score in scores.items():
        CONSOLE.print(f"Dev nDCG@10 over the full corpus after {chosen.steps} steps: {name} {score:.4f}")
    checks = comparing.checks(figures, title, ASKED)
    judge(checks)
    told = {"steps": chosen.steps, "pairs": chosen.pairs, "negatives": chosen.negatives, "seed": chosen.seed}
    name = f"equal_work_negatives{chosen.negatives}" if chosen.negatives else "equal_work"
    write(told | {"sides": figures, "dev_ndcg@10": scores}, checks, chosen.out, name)


if __name__ == "__main__":
    options = parser(__doc__)
    add_work(options)
    options.add_argument("--steps", type=int, default=20, help="optimizer steps of a run (20)")
    options.add_argument("--pairs", type=int, default=64, help="pairs of a step (64)")
    options.add_argument("--negatives", type=int, default=0, help="mined hard negatives with each pair (0)")
    options.add_argument("--quality", action="store_true", help="also dev nDCG@10 over the full corpus; minutes")
    add_bf16(options)
    main(options.parse_args())
