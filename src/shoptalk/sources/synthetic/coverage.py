"""For which documents queries are written and in which forms: everywhere alike, or where real data is thin."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.retrieval import dense
from shoptalk.retrieval.metrics import DEPTH, per_query
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.regions import Thin, regions


@dataclass(frozen=True)
class Plan:
    """What is to be written.

    Attributes:
        rows: of the corpus, ascending.
        forms: per row the forms of its queries, ``None`` where any will do.
        said: sentences that tell it before anything is spent.
    """

    rows: Sequence[int]
    forms: Sequence[Sequence[str | None]]
    said: Sequence[str] = ()


class Coverage(Protocol):
    """Divides a budget of queries over a corpus."""

    def plan(self, ground: Ground, real: pl.DataFrame, documents: int, each: int) -> Plan:
        """At most ``each`` queries for ``documents`` documents; ``real`` are training queries people asked."""
        ...


class Uniform:
    """Documents by a hash of (seed, document id), in any form."""

    def plan(self, ground: Ground, real: pl.DataFrame, documents: int, each: int) -> Plan:
        """The first ``documents`` by hash."""
        rows = sorted(_shuffled(ground)[:documents])
        return Plan(rows, [(None,) * each] * len(rows))


@dataclass(frozen=True)
class Targeted:
    """Regions that fewest real queries lead to, in the forms that people use and the base model serves badly.

    A form's share of the budget follows its share of real queries times what nDCG@10 of the base model on the dev
    queries of that form lacks to 1, over the real pairs of that form.

    Args:
        most: no form gets more than this many times its share of real queries, >= 1.
        region: documents alike, by the base model, whose real queries are counted together, in the mean, >= 1; one
            query says little of one document and much of such a region. 1: each document for itself.
    """

    most: float = 3.0
    region: int = 200

    def __post_init__(self):
        if isinstance(self.most, bool) or not isinstance(self.most, int | float) or not self.most >= 1:
            raise InputError(f"coverage.most={self.most} must be a number of 1 or more.")
        if isinstance(self.region, bool) or not isinstance(self.region, int) or self.region < 1:
            raise InputError(f"coverage.region={self.region} must be a whole number of 1 or more.")

    def plan(self, ground: Ground, real: pl.DataFrame, documents: int, each: int) -> Plan:
        """What is thin first, see ``Thin.first``; without any real query all documents alike."""
        if real.is_empty():
            plan = Uniform().plan(ground, real, documents, each)
            said = "No real training query is known, so queries are written for all documents alike (coverage)."
            return Plan(plan.rows, plan.forms, (said,))
        corpus, leading = ground.domain.corpus, Counter(real["doc_id"])
        vectors = ground.embed(corpus.passages, "document")
        thin = Thin(regions(vectors, self.region), [leading[doc_id] for doc_id in corpus.ids])
        rows = sorted(thin.first(_shuffled(ground), each)[:documents])
        lacking = _lacking(ground)
        share = self.shares(real, lacking)
        names = _dealt(share, len(rows) * each, ground.seed)
        said = [_told(thin.asked, rows), *thin.told(rows, each, corpus.titles)]
        said += _told_forms(share, real, lacking, len(names))
        return Plan(rows, [tuple(names[k * each : (k + 1) * each]) for k in range(len(rows))], said)

    def shares(self, real: pl.DataFrame, lacking: Mapping[str, float]) -> dict[str, float]:
        """Form to its share of the budget; they sum to 1.

        Args:
            lacking: form to 1 less nDCG@10 on dev; a form without dev queries is taken to lack what the mean lacks.
        """
        counts = Counter(real["query_form"])
        mean = float(np.mean(list(lacking.values()))) if lacking else 1.0
        traffic = {name: count / real.height for name, count in sorted(counts.items())}
        gap = {name: part * lacking.get(name, mean) / counts[name] for name, part in traffic.items()}
        return _capped(gap, {name: self.most * part for name, part in traffic.items()})


def _told(asked: Sequence[int], rows: Sequence[int]) -> str:
    ours = sum(not asked[row] for row in rows)
    return (f"No real training query leads to {asked.count(0):,} of {len(asked):,} documents; {ours:,} of the "
            f"{len(rows):,} documents written for are among them.")  # fmt: skip


def _shuffled(ground: Ground) -> list[int]:
    ids = ground.domain.corpus.ids
    return sorted(range(len(ids)), key=lambda row: digest("synthetic", ground.seed, ids[row]))


def _lacking(ground: Ground) -> dict[str, float]:
    """Form to 1 less the base model's nDCG@10 on the dev queries of that form; empty without dev."""
    dev, corpus = ground.domain.splits.get("dev"), ground.domain.corpus
    if dev is None:
        return {}
    queries, documents = ground.embed(dev.texts, "query"), ground.embed(corpus.passages, "document")
    scores = per_query(dense.search(queries, documents, min(DEPTH, len(corpus))), list(corpus.ids), dev)
    table = scores.with_columns(form=pl.Series(map(ground.form, dev.texts), dtype=pl.String))
    return {name: 1 - float(part["ndcg@10"].mean()) for (name,), part in table.group_by("form")}


def _capped(gap: Mapping[str, float], most: Mapping[str, float]) -> dict[str, float]:
    """Shares by ``gap`` that sum to 1, none above ``most`` (sum >= 1); what is cut goes to the others."""
    share: dict[str, float] = {}
    while free := [name for name in gap if name not in share]:
        left, total = 1 - sum(share.values()), sum(gap[name] for name in free)
        wanted = {name: left * (gap[name] / total if total else 1 / len(free)) for name in free}
        over = [name for name in free if wanted[name] > most[name]]
        if not over:
            return share | wanted
        share |= {name: most[name] for name in over}
    return share


def _dealt(share: Mapping[str, float], total: int, seed: int) -> list[str]:
    """``total`` forms in these shares (largest remainder), in an order drawn by ``seed``."""
    exact = {name: part * total for name, part in share.items()}
    counts = {name: int(value) for name, value in exact.items()}
    for name in sorted(exact, key=lambda name: counts[name] - exact[name])[: total - sum(counts.values())]:
        counts[name] += 1
    names = [name for name, count in counts.items() for _ in range(count)]
    return [names[k] for k in np.random.default_rng([0xC0, seed]).permutation(len(names))]


def _told_forms(share: Mapping[str, float], real: pl.DataFrame, lacking: Mapping[str, float], total: int) -> list[str]:
    counts = Counter(real["query_form"])
    return [
        f"{name}: {100 * counts[name] / real.height:.1f} % of {real.height:,} real queries, base nDCG@10 on dev "
        f"{f'{1 - lacking[name]:.3f}' if name in lacking else 'not known'}; {100 * part:.1f} % of {total:,} queries."
        for name, part in sorted(share.items(), key=lambda item: -item[1])
    ]
