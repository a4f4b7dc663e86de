"""Training one encoder, with dev watched on a fixed pool and the best weights kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from shoptalk.arms.base import Search
from shoptalk.cache import digest
from shoptalk.comparing import HEADLINE
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged
from shoptalk.embedding import CachedTokens
from shoptalk.errors import InputError
from shoptalk.frame import Run
from shoptalk.losses import Loss
from shoptalk.models.adapters import merge_lora
from shoptalk.models.ragged import Ragged
from shoptalk.negatives.draws import rotate
from shoptalk.retrieval import dense
from shoptalk.retrieval.metrics import means, per_query
from shoptalk.training import memory
from shoptalk.training.batches import Batches, Examples, mixed, one_source
from shoptalk.training.callbacks import BEST, Interrupted, KeepBest
from shoptalk.training.datamodule import PairsData
from shoptalk.training.encoding import Encoding
from shoptalk.training.module import BiEncoder
from shoptalk.training.ranks import agreed, any_of, embedded, world
from shoptalk.training.refreshing import Refreshing, Remine
from shoptalk.training.settings import Settings

_DECIDING = ("model", "loss", "temperature", "trainer")
_SAMPLED = 8  # batches looked at to tell how large one is


@dataclass(frozen=True)
class Fitted:
    """The adapted encoder with its best weights, and how training went.

    Attributes:
        curve: step to nDCG@10 over the dev pool.
        learning_rate: the highest of the schedule.
        encoding: the chunk plan as it was resolved.
        short_batches: batches with fewer pairs than asked.
        refreshes: when negatives were mined anew, see ``training.refreshing``; empty where they never were.
        share: how far from the base model's weights to the trained ones those of ``encoder`` lie.
        interpolation: shares that were tried to nDCG@10 over the dev pool; empty where dev did not choose.
        notices: what to tell the user about these weights.
    """

    encoder: Any
    curve: dict[str, float]
    learning_rate: float
    steps: int
    watch_seconds: float
    encoding: dict[str, Any]
    short_batches: int
    refreshes: Sequence[Mapping[str, Any]] = ()
    share: float = 1.0
    interpolation: Mapping[float, float] = field(default_factory=dict)
    notices: Sequence[str] = ()


def fit(
    cfg: DictConfig,
    run: Run,
    loss: Loss,
    data: Examples,
    per_pair: int,
    watch: "Pool | None",
    remine: Remine | None = None,
) -> Fitted:
    """Train a fresh base encoder on ``data``; the weights that did best on the dev pool come back.

    Args:
        per_pair: negatives that go into a batch with each pair.
        remine: mines negatives anew with the weights in training; ``None`` keeps those of ``data``.

    Raises:
        KeyboardInterrupt: stopped by the user; the message says how to go on.
        Pruned: the run is a sweep's trial that is not worth going on with.
    """
    settings = run.settings
    encoder = instantiate(cfg.model)
    settings.adapt(encoder, cfg.seed)
    encoder.to(run.device).train()
    divide = one_source if settings.one_source else mixed
    batches = Batches(data, settings.batch_size, cfg.seed, partial(_rotated, per_pair), divide)
    steps = len(batches)
    if settings.batch_size > len(data.order):
        raise InputError(
            f"trainer.batch_size={settings.batch_size} is more than the {len(data.order)} pairs this run draws: "
            "lower it, or raise trainer.pairs."
        )
    encoding = _encoding(settings, encoder, batches)
    module = BiEncoder(
        encoding,
        loss,
        instantiate(cfg.temperature),
        learning_rate=settings.rate(encoder),
        weight_decay=settings.weight_decay,
        warmup=settings.warmup,
        steps=steps,
        identity=data.identity() | _settings_identity(cfg),
    )
    score = None if watch is None else partial(watch.score, encoder)
    say = partial(run.console.print, style="dim", highlight=False)
    keep = KeepBest(run.folder / "checkpoints", steps, min(settings.looks, steps), score, say, run.looked)
    refreshing = None if remine is None else Refreshing(batches, encoder, remine, say, log=run.logger.log_metrics)
    watched = cfg.run.progress and run.console.is_terminal
    trainer = settings.trainer(run.folder, steps, [keep], run.logger, bar=watched)
    try:
        trainer.fit(module, PairsData(batches, refreshing), ckpt_path=checkpoint_of(cfg.ckpt_path), weights_only=True)
    except Interrupted as stop:
        raise KeyboardInterrupt(
            f"Stopped after step {trainer.global_step} of {steps}; "
            f"go on with the same command and ckpt_path={stop.args[0]}"
        ) from stop
    except InputError as error:
        last = run.folder / "checkpoints" / "last.ckpt"
        raise InputError(f"{error} The last good checkpoint is {last}." if last.exists() else str(error)) from error
    best = torch.load(keep.best_path, map_location="cpu", weights_only=True)["state_dict"]
    module.load_state_dict(best)
    merge_lora(encoder)
    # Lightning hands the weights back on the CPU.
    module.to(run.device)
    return Fitted(
        encoder=module.encoder.eval(),
        curve=keep.curve,
        learning_rate=module.learning_rate,
        steps=steps,
        watch_seconds=keep.seconds,
        encoding=encoding.told(),
        short_batches=batches.short,
        refreshes=refreshing.told if refreshing else [],
    )


def _encoding(settings: Settings, encoder: Any, batches: Batches) -> Encoding:
    """How batches are cut up and whether they are encoded twice: as asked, else as the largest of a few fits."""
    seen = [batches[step] for step in range(0, len(batches), max(1, len(batches) // _SAMPLED))]
    texts = max((Ragged.joined([batch.queries, batch.documents]) for batch in seen), key=lambda t: len(t.values))
    device, per_token = encoder.device, memory.bytes_per_token(encoder, texts)
    chunk, cached = settings.chunk_tokens, settings.gradient_cache
    if chunk == "auto":
        chunk = agreed(memory.chunk_tokens(per_token, device))
    if cached == "auto":
        cached = any_of(not memory.fits(per_token * len(texts.values) / world()[1], device))
    return Encoding(encoder, chunk, cached, batches.seed)


def _rotated(per_pair: int, kept: int, seed: int, pair: int, repetition: int) -> np.ndarray:
    return rotate(kept, per_pair, seed, pair, repetition)


def _settings_identity(cfg: DictConfig) -> dict[str, str]:
    """Every option that decides how training goes, by its name on the command line."""
    groups = {name: OmegaConf.to_container(cfg[name], resolve=True) for name in _DECIDING}
    return {"seed": str(cfg.seed), **_flat(groups)}


def _flat(options: Mapping[str, Any], head: str = "") -> dict[str, str]:
    flat = {}
    for key, value in options.items():
        flat |= _flat(value, f"{head}{key}.") if isinstance(value, Mapping) else {f"{head}{key}": str(value)}
    return flat


def checkpoint_of(path: str | None) -> str | None:
    """``path``, where it holds all that a resumed run needs."""
    if path is not None and not Path(path).is_file():
        raise InputError(f"ckpt_path={path} is no file: give a run's checkpoints/last.ckpt or step-*.ckpt.")
    if path is not None and Path(path).name == BEST:
        raise InputError(f"ckpt_path={path} holds weights alone: training goes on from last.ckpt or step-*.ckpt.")
    return path


class Pool:
    """Dev queries over a fixed pool of documents, cheap enough to look at during training.

    The pool holds the judged documents, the best ``depth`` of each of ``searches`` for each query, and ``random``
    documents chosen by the hash of their id.
    """

    def __init__(
        self, dev: Judged, corpus: Corpus, tokens: CachedTokens, searches: Sequence[Search], depth: int, random: int
    ):
        depth = min(depth, len(corpus))
        found = {int(row) for search in searches for row in search(list(dev.texts), depth).rows.ravel() if row >= 0}
        judged = {corpus.index[d] for row in dev.qrels.values() for d in row if d in corpus.index}
        by_hash = sorted(range(len(corpus)), key=lambda row: digest(corpus.ids[row]))[:random]
        self.corpus = corpus.take(sorted(found | judged | set(by_hash)))
        self.dev, self.tokens = dev, tokens

    def score(self, encoder: Any) -> float:
        """nDCG@10 of the weights as they stand."""
        training = encoder.training
        encoder.eval()
        queries = encoder.embed(self.dev.texts, "query")
        ids = self.tokens(self.corpus.passages, "document")
        documents = embedded(encoder.embed_ids, ids, encoder.prompt_length("document"))
        encoder.train(training)
        ranked = dense.search(queries, documents, min(10, len(self.corpus)))
        return means(per_query(ranked, list(self.corpus.ids), self.dev))[HEADLINE]
