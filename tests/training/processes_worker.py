"""Five steps on the tiny examples, alone or as one of several gloo processes; run by ``test_processes``."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tiny_training import Bag, Nearest, make_batches, make_examples, make_module

from shoptalk.losses import InfoNCE, Matryoshka, SpreadOut
from shoptalk.temperature import Learned
from shoptalk.training import ranks
from shoptalk.training.callbacks import KeepBest
from shoptalk.training.datamodule import PairsData
from shoptalk.training.refreshing import Refreshing
from shoptalk.training.settings import Settings


def train(folder: Path, cached: bool) -> dict[str, list]:
    rank, world = ranks.world()
    settings = Settings(
        batch_size=8, pairs=40, learning_rate=1e-2, weight_decay=0.01, warmup=0.1, gradient_clip=0.5, looks=1,
        chunk_tokens=40, accelerator="cpu", precision="32-true", strategy="ddp" if world > 1 else "single",
    )  # fmt: skip
    examples = make_examples(0, draws=40)
    own = np.where(examples.sources == 1, 0.1, np.nan).astype(np.float32)
    examples = replace(examples, own_temperatures=own)
    batches = make_batches(examples)
    torch.manual_seed(0)
    bag = Bag(dropout=0.2)
    if rank:
        # Data parallelism starts from rank 0's weights; were it not to, this would show.
        torch.nn.init.zeros_(bag.layer.weight)
    loss = SpreadOut(Matryoshka(InfoNCE(symmetric=True), [8, 4]), 0.1)
    module = make_module(bag, 5, cached=cached, loss=loss, temperature=Learned(0.05, 0.01, 0.2))
    whole = ranks.embedded(lambda ids, prompt, progress: ids.lengths[:, None].astype("f4"), examples.document_tokens, 0)
    assert whole[:, 0].tolist() == examples.document_tokens.lengths.tolist()
    keep = KeepBest(folder, 5, 1, None)
    refreshing = Refreshing(batches, bag, Nearest(examples, steps=2))
    settings.trainer(folder, 5, [keep], False, bar=False).fit(module, PairsData(batches, refreshing))
    told = {f"refresh {line['step']}": line["changed"] for line in refreshing.told}
    return told | {name: value.tolist() for name, value in module.state_dict().items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    ranks.join()
    told = {way: train(Path(sys.argv[1]), way == "cached") for way in ("plain", "cached")}
    (Path(sys.argv[1]) / f"weights-{ranks.world()[0]}.json").write_text(json.dumps(told))
