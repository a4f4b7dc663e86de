"""Domain, pairs and model as W&B artifacts, each naming what it was made from."""

import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shoptalk.cache import digest, digest_file
from shoptalk.errors import InputError

METADATA = "metadata"

Keep = Callable[[Any, Path, dict[str, Any]], None]
"""``keep(run, folder, metrics)`` hands W&B's ``run`` the artifacts of the run that left ``folder``."""


def keeping(hold: str) -> Keep:
    """How artifacts are kept, by the name of what they hold, one of ``HOLD``.

    Raises:
        InputError: there is no such name.
    """
    if hold not in HOLD:
        raise InputError(f"logger.artifacts={hold} is not possible; choose {', '.join(HOLD)}.")
    return HOLD[hold]


def pieces(folder: Path, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Domain, pairs, model: the name of each, its facts with a digest of its content, and where its files lie.

    No fact is a text of the domain or of a query.
    """
    model = sorted(path for path in (folder / "model").rglob("*") if path.is_file())
    hashes = {path.relative_to(folder / "model").as_posix(): digest_file(path) for path in model}
    asked = {split: told["zero_shot"]["n"] for split, told in metrics["gain"].items()}
    facts = {
        "domain": {"digest": metrics["corpus_digest"], "documents": metrics["documents"], "queries": asked,
                   "counts": dict(metrics["domain"])},
        "pairs": {"digest": digest_file(folder / "pairs.parquet"), "sources": dict(metrics["sources"]),
                  "mixing": {name: metrics["mixing"][name] for name in ("pairs", "asked", "drawn", "draws")}},
        "model": {"digest": digest(hashes), "files": hashes, "seed": metrics["seed"],
                  "scores": {split: metrics[split]["adapted"] for split in asked}},
    }  # fmt: skip
    paths = {"domain": None, "pairs": folder / "pairs.parquet", "model": folder / "model"}
    found, before = [], []
    for kind, told in facts.items():
        name = re.sub(r"[^\w.-]+", "-", f"{kind}-{metrics['corpus']}", flags=re.ASCII)[:128]
        found.append({"name": name, "type": kind, "path": paths[kind],
                      "metadata": {"corpus": metrics["corpus"], **told, "made_from": list(before)}})  # fmt: skip
        before.append(f"{name}@{told['digest']}")
    return found


def _referenced(piece: Mapping[str, Any]) -> Any:
    """An artifact of no files: W&B tells its versions apart by a reference that holds the digest."""
    import wandb

    artifact = wandb.Artifact(piece["name"], piece["type"], metadata=piece["metadata"])
    artifact.add_reference(f"digest:{piece['metadata']['digest']}", name=piece["type"])
    return artifact


def _whole(piece: Mapping[str, Any]) -> Any:
    """An artifact with its files, which stay where they are until they are sent; those of a domain are never."""
    artifact, path = _referenced(piece), piece["path"]
    if path is not None:
        add = artifact.add_dir if path.is_dir() else artifact.add_file
        add(str(path), policy="immutable")
    return artifact


def _kept(made: Callable[[Mapping[str, Any]], Any]) -> Keep:
    def keep(run: Any, folder: Path, metrics: dict[str, Any]) -> None:
        *inputs, model = map(made, pieces(folder, metrics))
        for artifact in inputs:
            _input(run, artifact)
        run.log_artifact(model)

    return keep


def _input(run: Any, artifact: Any) -> None:
    """Log ``artifact`` as one that ``run`` used; W&B can only say so online, and a training that is done must not fail
    by it. Offline ``made_from`` alone tells."""
    if run.offline:
        run.log_artifact(artifact)
        return
    try:
        run.use_artifact(artifact)
    except Exception as error:  # of the network, the server or its client
        warnings.warn(f"W&B did not take the artifact {artifact.name}: {error}", stacklevel=2)


def _nothing(run: Any, folder: Path, metrics: dict[str, Any]) -> None:
    pass


HOLD: dict[str, Keep] = {METADATA: _kept(_referenced), "files": _kept(_whole), "none": _nothing}
"""``metadata``: names, counts, digests and scores. ``files``: the pairs and the model too. ``none``: no artifacts."""
