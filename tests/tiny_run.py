"""The folder of a finished run, as far as its pages read it, with a model of random weights."""

import json
import shutil

import polars as pl
import torch
from composing import composed
from omegaconf import OmegaConf

from shoptalk.models.encoder import Encoder


def write(folder, domain, base, adapted, changes=None):
    """A run over the BEIR folder ``domain`` that made ``adapted`` of ``base``, both folders of models."""
    options = ["domain=beir", f"domain.path={domain}", f"model.name={base}", "threads=1"]
    folder.mkdir(parents=True)
    OmegaConf.save(OmegaConf.to_container(composed(folder, *options), resolve=True), folder / "config.yaml")
    shutil.copytree(adapted, folder / "model")
    if changes is not None:
        with open(domain / "queries.jsonl", encoding="utf-8") as lines:
            texts = {row["_id"]: row["text"] for row in map(json.loads, lines)}
        rows = [
            {"query_id": query_id, "query": texts[query_id], "split": split, "arm": arm, "ndcg@10": value}
            for query_id, change in changes.items()
            for split in ("dev", "test")
            for arm, value in (("bm25", 0.9), ("zero_shot", 0.5), ("adapted", 0.5 + change * (split == "dev")))
        ]
        pl.DataFrame(rows).write_parquet(folder / "per_query.parquet")
    return folder


def adapted(base, folder):
    """A model as training would leave it: ``base`` with other weights."""
    torch.manual_seed(1)
    encoder = Encoder.load(str(base))
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    encoder.save(folder)
