"""A diagnosis as Parquet and JSON, in which floats keep all their digits."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl

from shoptalk.sources.clicks.curves import Curve
from shoptalk.sources.clicks.diagnosis import Diagnosis, Purity


def write(diagnosis: Diagnosis, folder: Path) -> None:
    """All of it into the empty ``folder``."""
    for name, table in {"ctr": diagnosis.ctr, **diagnosis.support}.items():
        table.write_parquet(folder / f"{name}.parquet")
    facts = asdict(replace(diagnosis, ctr=None, support=dict.fromkeys(diagnosis.support)))
    (folder / "facts.json").write_text(json.dumps(facts))


def read(folder: Path) -> Diagnosis:
    """What ``write`` wrote."""
    facts = json.loads((folder / "facts.json").read_text())
    facts["ctr"] = pl.read_parquet(folder / "ctr.parquet")
    facts["support"] = {name: pl.read_parquet(folder / f"{name}.parquet") for name in facts["support"]}
    facts["curves"] = [Curve(**curve) for curve in facts["curves"]]
    facts["tells"] = [tuple(told) for told in facts["tells"]]
    if purity := facts["purity"]:
        facts["purity"] = {name: Purity(**found | {"ci95": tuple(found["ci95"])}) for name, found in purity.items()}
    return Diagnosis(**facts)
