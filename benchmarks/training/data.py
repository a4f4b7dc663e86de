"""What both sides work on: pairs of the embedded domain in an order drawn by seed, in batches without clashes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig

from shoptalk.cache import Cache
from shoptalk.configs import register, root
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Known
from shoptalk.domain.text import normalise
from shoptalk.embedding import CachedEmbed
from shoptalk.errors import InputError
from shoptalk.retrieval import dense
from shoptalk.retrieval.metrics import DEPTH, means, per_query

MINED_DEPTH = 30
"""Ranks of the base model that hard negatives are taken from, known positives left out."""


@dataclass(frozen=True)
class Drawn:
    """Texts of the pairs in the order in which they are trained on; per pair as many hard negatives."""

    queries: Sequence[str]
    documents: Sequence[str]
    negatives: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def per_pair(self) -> int:
        """Hard negatives of each pair."""
        return len(self.negatives[0]) if self.negatives else 0

    def columns(self) -> dict[str, list[str]]:
        """Column to one text per pair, as sentence-transformers wants them: anchor, positive, negative_1, …"""
        told = {"anchor": list(self.queries), "positive": list(self.documents)}
        return told | {f"negative_{k + 1}": [row[k] for row in self.negatives] for k in range(self.per_pair)}

    def save(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Drawn:
        """What ``save`` wrote."""
        return cls(**json.loads(path.read_text()))


class Pair(NamedTuple):
    """A query and the corpus row of its document."""

    query: str
    row: int


class Ground:
    """Rows and known positives of a domain; documents with the same passage count as one, the first."""

    def __init__(self, domain: Domain):
        self.domain, self.passages = domain, domain.corpus.passages
        first: dict[str, int] = {}
        self.first = [first.setdefault(passage, row) for row, passage in enumerate(self.passages)]
        positives = zip(domain.intents.texts, domain.intents.positives(), strict=True)
        self._told = list(dict.fromkeys((query, doc_id) for query, doc_ids in positives for doc_id in doc_ids))
        self._known = Known.of(domain, self._told)

    def pairs(self, count: int, seed: int) -> list[Pair]:
        """``count`` different pairs of the intents, or all there are, in an order drawn by ``seed``."""
        order = np.random.default_rng(seed).permutation(len(self._told))[:count]
        index = self.domain.corpus.index
        return [Pair(query, self.first[index[doc_id]]) for query, doc_id in (self._told[place] for place in order)]

    def known(self, query: str) -> set[int]:
        """Rows of the documents known to answer ``query``."""
        index = self.domain.corpus.index
        return {self.first[index[doc_id]] for doc_id in self._known.documents(query) if doc_id in index}


@dataclass
class _Batch:
    """A batch as it fills: no query and no document twice, and no document that answers another's query.

    So nothing in it can be masked or said once instead of twice, and both sides' losses are the same number.
    """

    ground: Ground
    per_pair: int
    chosen: list[tuple[Pair, list[int]]] = field(default_factory=list)
    queries: set[str] = field(default_factory=set)
    documents: set[int] = field(default_factory=set)
    answers: set[int] = field(default_factory=set)

    def take(self, pair: Pair, candidates: Sequence[int]) -> bool:
        """Take the pair in with the first of its candidates that clash with nothing, if it fits."""
        known, query = self.ground.known(pair.query), normalise(pair.query)
        clash = self.documents | self.answers
        if query in self.queries or pair.row in clash or known & self.documents:
            return False
        free = [row for row in dict.fromkeys(candidates) if row not in clash and row not in known and row != pair.row]
        negatives = free[: self.per_pair]
        if len(negatives) < self.per_pair:
            return False
        self.chosen.append((pair, negatives))
        self.queries.add(query)
        self.documents |= {pair.row, *negatives}
        self.answers |= known
        return True


def draw(
    ground: Ground, size: int, steps: int, seed: int, mine: Callable[[Sequence[str]], Any] | None = None, per_pair=0
) -> Drawn:
    """``steps`` batches of ``size`` pairs; a pair that clashes with its batch waits for the next one.

    Args:
        mine: ``mine(queries)`` -> per query the rows of its candidates, hardest first; needed for negatives.
        per_pair: hard negatives with each pair.
    """
    waiting = ground.pairs(3 * size * steps, seed)
    candidates: Mapping[str, Sequence[int]] = {}
    if per_pair:
        queries = list(dict.fromkeys(pair.query for pair in waiting))
        candidates = dict(zip(queries, mine(queries), strict=True))
    taken: list[tuple[Pair, list[int]]] = []
    for _ in range(steps):
        batch, left = _Batch(ground, per_pair), []
        for place, pair in enumerate(waiting):
            if len(batch.chosen) == size:
                left += waiting[place:]
                break
            if not batch.take(pair, candidates.get(pair.query, ())):
                left.append(pair)
        if len(batch.chosen) < size:
            raise InputError(f"The domain has too few pairs for {steps} batches of {size}: lower --steps or --pairs.")
        taken, waiting = taken + batch.chosen, left
    text = ground.passages
    return Drawn(
        [pair.query for pair, _ in taken],
        [text[pair.row] for pair, _ in taken],
        [[text[row] for row in negatives] for _, negatives in taken],
    )


def miner(ground: Ground, embed: CachedEmbed) -> Callable[[Sequence[str]], list[list[int]]]:
    """Candidates for hard negatives: ranks 1 to 30 of the base model over the whole corpus."""

    def mine(queries: Sequence[str]) -> list[list[int]]:
        documents = embed(ground.passages, "document")
        found = dense.search(embed(queries, "query"), documents, MINED_DEPTH)
        return [[ground.first[row] for row in line if row >= 0] for line in found.rows.tolist()]

    return mine


def drawn_for(chosen: argparse.Namespace, ground: Ground, threads: int) -> Drawn:
    """``draw`` as the options ask, with hard negatives of the base model where they ask for any."""
    mine = None
    if chosen.negatives:
        mine = miner(ground, CachedEmbed(instantiate(config().model), Cache(chosen.cache), threads))
    return draw(ground, chosen.pairs, chosen.steps, chosen.seed, mine, chosen.negatives)


def config(*overrides: str) -> DictConfig:
    """``conf/train.yaml`` with what a benchmark needs: the processor, no bar, a name that no choice decides."""
    register()
    fixed = ["run.name=benchmark", "run.progress=false", "trainer.accelerator=cpu"]
    with initialize_config_dir(str(root() / "conf"), version_base="1.3"):
        return compose("train", overrides=[*fixed, *overrides])


def load(cache: Path) -> Domain:
    """The embedded phenotypes."""
    return instantiate(config().domain).load(Cache(cache))


def sample(corpus: Corpus, count: int, seed: int) -> list[str]:
    """``count`` passages drawn by ``seed``; 0 takes all."""
    if not 0 < count < len(corpus):
        return list(corpus.passages)
    rows = np.random.default_rng(seed).choice(len(corpus), count, replace=False)
    return [corpus.passages[row] for row in rows]


def quality(domain: Domain, encoder: Any) -> float:
    """Dev nDCG@10 over the full corpus."""
    dev, corpus = domain.splits["dev"], domain.corpus
    vectors = encoder.embed(dev.texts, "query"), encoder.embed(corpus.passages, "document")
    return means(per_query(dense.search(*vectors, DEPTH), list(corpus.ids), dev))["ndcg@10"]
