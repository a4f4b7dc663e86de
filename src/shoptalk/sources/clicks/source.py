"""A click log as a source of weighted pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from shoptalk.cache import digest_file
from shoptalk.configs import option_of
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain
from shoptalk.errors import InputError
from shoptalk.sources.clicks import diagnosis_files
from shoptalk.sources.clicks.adapters.adapter import Adapter
from shoptalk.sources.clicks.adapters.files import log_files
from shoptalk.sources.clicks.chains import Chains
from shoptalk.sources.clicks.cleaning import Cleaning
from shoptalk.sources.clicks.counting import Reading
from shoptalk.sources.clicks.diagnosis import About, Diagnosis, diagnose, judged_pairs
from shoptalk.sources.clicks.engine import Engine
from shoptalk.sources.clicks.observed import Features, Observed
from shoptalk.sources.clicks.opening import VERSION as OPENED
from shoptalk.sources.clicks.opening import Opened, opened
from shoptalk.sources.clicks.propensity.context import ByContext, without_context
from shoptalk.sources.clicks.propensity.examination import Examination, Propensity
from shoptalk.sources.clicks.relevance import Evidence, Relevance
from shoptalk.sources.clicks.selection import Selection, Support, Weight, sift
from shoptalk.sources.clicks.signals import Signal, Signals
from shoptalk.sources.clicks.statistics import VERSION as COUNTED
from shoptalk.sources.clicks.statistics import LogFiles, Statistics, statistics
from shoptalk.sources.pairs import Embed, Ground, Yielded, as_pairs

if TYPE_CHECKING:
    from shoptalk.sources.clicks.privacy import Privacy

_VERSIONS = [1, OPENED, COUNTED]
"""Of what makes pairs and a diagnosis of a log's statistics, and of what makes these."""


class ClickSource:
    """Reads a log, corrects clicks for position, and keeps the pairs that are surely clicked when looked at.

    Args:
        log_format: how the user's files become the one schema. position_base: the number they give the first rank.
        engine: who does the tabular work. cleaning, signals: which rows count, and what clicks are worth.
        privacy: what is replaced in queries. propensity: chances of examination by rank.
        relevance: the score of a pair. support, selection: which pairs train. weight: their weight.
        chains: which queries take over the pairs of others.
        context: ``surface`` or ``device`` where propensities differ by it.
        clip: least propensity that a click is divided by for the weight, in (0, 1].
        compared: estimators that the report shows beside the chosen one.
        keep_removed: write every row of the log that was left out, and its rule, beside the run.
        log: a file, folder or glob; ``None`` for the domain's own, or else its simulated one.

    Raises:
        InputError: ``clip`` or ``context`` cannot be.
    """

    immaterial = ("engine",)
    diagnosis_files = diagnosis_files

    def __init__(
        self,
        log_format: Adapter,
        engine: Engine,
        cleaning: Cleaning,
        propensity: Propensity,
        relevance: Relevance,
        support: Support,
        selection: Selection,
        weight: Weight,
        signals: Mapping[str, Signal] | None = None,
        privacy: Privacy | None = None,
        chains: Chains | None = None,
        compared: Mapping[str, Propensity] | None = None,
        context: str | None = None,
        position_base: int | None = None,
        clip: float = 0.1,
        keep_removed: bool = False,
        log: str | None = None,
    ):
        if not 0 < clip <= 1:
            raise InputError(f"clip is {clip}; it must be above 0 and at most 1, such as 0.1.")
        if context not in (None, "surface", "device"):
            raise InputError(f"context is {context}; it must be surface, device or null.")
        self.log_format, self.position_base, self.log, self.engine = log_format, position_base, log, engine
        self.relevance, self.support, self.selection, self.weight = relevance, support, selection, weight
        self.chains, self.clip, self.compared = chains or Chains(users=None), clip, dict(compared or {})
        self.propensity = propensity if context is None else ByContext(propensity)
        self.reading = Reading(
            cleaning=cleaning,
            signals=Signals(dict(signals or {})),
            privacy=privacy,
            context=context,
            chained=self.chains.users is not None,
            max_gap_s=self.chains.max_gap_s,
            lists=propensity.needs_lists or any(p.needs_lists for p in self.compared.values()),
            keep_removed=keep_removed,
        )

    def read(self, name: str, ground: Ground) -> Yielded:
        """The pairs of the log; evaluation queries among them are left to the caller.

        ``rejected`` holds every clicked pair that was left out, with its reason and figures.

        Raises:
            InputError: there is no log, it cannot be used, it does not tell what a stage needs, or no pair is left.
        """
        found, simulated = self._opened(name, ground)
        log = found.log
        counts = statistics(log, ground.domain.corpus, self._reading(ground.domain), self.engine, ground.cache)
        _, silent = self.reading.signals.used(counts.capability.told)
        self._require(counts)
        observed = counts.observed(features_of(ground.embed, counts.queries, ground.domain.corpus))
        examination = self.propensity.estimate(observed)
        evidence = Evidence.of(observed, examination)
        scored = self._scored(counts, evidence)
        kept, rejected = sift(scored, [*self.support.reasons(), *self.selection.reasons()])
        if not kept.height:
            raise InputError(_nothing_left(log.name, scored, rejected))
        carried = self._carried(counts, kept)
        pairs = pl.concat([kept.with_columns(self.weight.of(kept)), carried], how="diagonal")
        pairs = pairs.with_columns(query=pl.col("spelling")).sort("query", "doc_id")
        rejected = rejected.join(carried, on=["query_id", "doc_id"], how="anti")
        told = _told(log, counts, evidence, self.clip, kept, rejected) | {"pairs_carried_over": carried.height}
        about = About(name, str(log.name), simulated, counts.capability.level, counts.capability.table(), told)
        return Yielded(
            as_pairs(pairs, name),
            rejected=rejected.filter(pl.col("clicks") > 0).drop("query_id", "spelling"),
            counts=told,
            notices=[*_notices(log.name, examination, simulated), *found.notices, *silent],
            simulated=simulated,
            diagnosis=lambda: self._diagnosis(about, counts, observed, examination, kept, rejected, ground.domain),
            removed_rows=counts.removed_rows,
            unlabelled=_unlabelled(scored, pairs),
        )

    def contents(self, ground: Ground) -> list[object] | None:
        """See ``sources.cached``: the log by its path, which sentences name, and by what is in it."""
        path = self.log or ground.domain.log
        simulated = path is None and ground.simulated_log is not None
        path = ground.simulated_log() if simulated else path
        files = None if path is None else [[file.name, digest_file(file)] for file in log_files(path)]
        return files and [_VERSIONS, simulated, str(path), files]

    def _reading(self, domain: Domain) -> Reading:
        """A corpus that was cut down for trying lacks most documents of the log, and that is no fault of the log."""
        if not domain.counts.get("removed_documents_by_restriction"):
            return self.reading
        return replace(self.reading, cleaning=replace(self.reading.cleaning, max_unknown_documents=1.0))

    def _opened(self, name: str, ground: Ground) -> tuple[Opened, bool]:
        """The log in the one schema, and whether it is simulated."""
        path = self.log or ground.domain.log
        if path is not None:
            return opened(path, self.log_format, self.position_base, ground.cache), False
        if ground.simulated_log is not None:
            path = ground.simulated_log()
            return Opened(LogFiles(path, [path])), True
        raise InputError(f"data.sources.{name}.log is not set and the domain has no click log; give the path of one.")

    def _require(self, found: Statistics) -> None:
        """Refuse what the log cannot serve."""
        estimator = self.propensity.estimator if isinstance(self.propensity, ByContext) else self.propensity
        plain = "propensity=none relevance=clicks to take clicks as they are"
        by_hand = "propensity=given with propensity.theta or propensity.eta to give propensities by hand, or "
        mend = f"; or set {by_hand if found.capability.level != 'L0' else ''}{plain}"
        found.capability.require(estimator.level, option_of("propensity", estimator), mend)
        found.capability.require(self.relevance.level, option_of("relevance", self.relevance), f"; or set {plain}")
        if self.reading.context is not None and self.reading.context not in found.capability.told:
            raise InputError(
                f"context={self.reading.context} needs a column of that name, which the log lacks; add it."
            )

    def _diagnosis(
        self,
        about: About,
        found: Statistics,
        observed: Observed,
        examination: Examination,
        kept: pl.DataFrame,
        rejected: pl.DataFrame,
        domain: Domain,
    ) -> Diagnosis:
        if self.reading.context is not None:
            observed = without_context(observed, observed.by_position)
        used = type(self.propensity).__name__
        estimators = {type(p).__name__: p for p in (self.propensity, *self.compared.values())}
        return diagnose(
            about,
            observed,
            removed=found.removed,
            estimators=estimators,
            used=(used, examination),
            kept=kept,
            rejected=rejected,
            effective_clicks=about.counts["effective_clicks"],
            judged=judged_pairs(domain),
        )

    def _carried(self, found: Statistics, kept: pl.DataFrame) -> pl.DataFrame:
        """``query_id, query, spelling, doc_id, weight`` of the pairs that chains carry over."""
        pairs = self.chains.carried(kept.select("query_id", "doc_id", "score"), found.links)
        named = pairs.join(found.queries, on="query_id").drop("users")
        return named.with_columns(weight=pl.lit(float(self.chains.weight)))

    def _scored(self, found: Statistics, evidence: Evidence) -> pl.DataFrame:
        table = pair_table(found, evidence, self.clip).with_columns(score=pl.Series(self.relevance.score(evidence)))
        return table.sort("score", "clicks", "query_id", "doc_id", descending=[True, True, False, False])


def pair_table(found: Statistics, evidence: Evidence, clip: float) -> pl.DataFrame:
    """One row per pair ever shown, in the order of ``evidence``: ``query_id, query, spelling, doc_id, impressions,
    clicks, users, clickers``, ``examinations`` (sum of propensities), ``weighted_clicks`` (clicks over
    propensities, not below ``clip``)."""
    weighted = evidence.total(evidence.clicked / np.maximum(evidence.theta, clip))
    pairs = found.by_position.group_by("query_id", "doc_id", maintain_order=True).agg(
        pl.col("impressions", "clicks").sum()
    )
    pairs = pairs.with_columns(examinations=pl.Series(evidence.examinations), weighted_clicks=pl.Series(weighted))
    pairs = pairs.join(found.support, on=["query_id", "doc_id"], maintain_order="left")
    return pairs.join(found.queries, on="query_id", maintain_order="left")


def effective_clicks(evidence: Evidence, clip: float) -> float:
    """Kish's effective sample size of the inverse-propensity-weighted clicks: (sum w)² / sum w²."""
    weight = 1 / np.maximum(evidence.theta, clip)
    squares = (evidence.clicked * weight**2).sum()
    return float((evidence.clicked * weight).sum() ** 2 / squares) if squares else 0.0


_PARTS = 32


def features_of(embed: Embed, queries: pl.DataFrame, corpus: Corpus) -> Features:
    """What describes a pair: the cosine of query and document in 32 parts that sum to it, float32 [pairs, 32]."""

    def features(pairs: pl.DataFrame) -> np.ndarray:
        asked = pairs.select("query_id").unique(maintain_order=True).join(queries, "query_id", maintain_order="left")
        number = {q: row for row, q in enumerate(asked["query_id"])}
        left = embed(asked["spelling"].to_list(), "query")
        right = embed(corpus.passages, "document")
        rows = np.array([number[q] for q in pairs["query_id"]]), np.array([corpus.index[d] for d in pairs["doc_id"]])
        edges = np.linspace(0, left.shape[1], min(_PARTS, left.shape[1]) + 1).astype(int)[:-1]
        parts = [
            np.add.reduceat(left[rows[0][s : s + 50_000]] * right[rows[1][s : s + 50_000]], edges, axis=1)
            for s in range(0, pairs.height, 50_000)
        ]
        return np.concatenate(parts)

    return features


def _told(
    log: LogFiles, found: Statistics, evidence: Evidence, clip: float, kept: pl.DataFrame, rejected: pl.DataFrame
) -> dict[str, int]:
    by_reason = rejected.group_by("reason").len().sort("reason")
    return {
        **{f"input_{name}": count for name, count in log.counts},
        **found.removed,
        **found.told,
        "queries": found.queries.height,
        "clicks": round(float(evidence.clicked.sum())),
        "effective_clicks": round(effective_clicks(evidence, clip)),
        "pairs_shown": kept.height + rejected.height,
        "pairs_clicked": kept.height + int((rejected["clicks"] > 0).sum()),
        **{f"pairs_{reason}": count for reason, count in by_reason.rows()},
        "pairs": kept.height,
    }


def _unlabelled(scored: pl.DataFrame, pairs: pl.DataFrame) -> list[str]:
    """Queries shown documents of which none became a pair, in their most frequent spelling."""
    return scored.join(pairs, on="query_id", how="anti").unique("query_id").sort("query_id")["spelling"].to_list()


def _notices(path: Path, examination: Examination, simulated: bool) -> list[str]:
    notices = ["The click log is simulated; its searchers are not real."] if simulated else []
    if examination.assumed:
        shown = ", ".join(f"{t:.2g}" for t in examination.theta[:10])
        notices.append(f"The examination chances by rank ({shown}) are assumed, not estimated from {path.name}.")
    return [*notices, *examination.notices]


def _nothing_left(path: Path, scored: pl.DataFrame, rejected: pl.DataFrame) -> str:
    reason, count = rejected["reason"].value_counts().sort("count", "reason", descending=[True, False]).row(0)
    return (
        f"{path}: none of the {scored.height:,} pairs of the click log is left; the rule {reason} took {count:,} "
        f"of them, so loosen support or selection, or give a larger log."
    )
