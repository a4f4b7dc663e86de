"""``metrics.json``: one mapping that holds all a run found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from shoptalk import comparing
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.reporting.environment import environment
from shoptalk.reporting.tables import ARMS
from shoptalk.retrieval.judged import judged_documents, warnings
from shoptalk.retrieval.overlap import consistency
from shoptalk.shipping import power, shipping

BASELINES = ("zero_shot", "bm25")


def metrics(
    run: Any,
    domain: Domain,
    found: Any,
    schedule: Any,
    mined: Any,
    negatives: Any,
    fitted: Any,
    per_query: pl.DataFrame,
    splits: Mapping[str, Judged],
    hits: comparing.Found,
) -> dict[str, Any]:
    """All a run found: the objects are those ``experiment.train`` made on its way."""
    found_by = (domain, fitted.encoder, fitted, found, schedule, mined)
    notices = [notice for by in found_by for notice in by.notices]
    content = {
        "schema": 1,
        "corpus": domain.name,
        "corpus_digest": domain.corpus.digest,
        "documents": len(domain.corpus),
        "run": run.cfg.run.name,
        "seed": run.cfg.seed,
        **measured(per_query, {name: list(judged.columns) for name, judged in splits.items()}),
        **trusted(per_query, splits, hits),
        "dev_pool": fitted.curve,
        "mixing": mixing(schedule, found.pairs),
        "sources": {name: dict(counts) for name, counts in found.counts.items()},
        "negatives": {**negatives.metrics(), "refreshes": refreshes(fitted)},
        "domain": dict(domain.counts),
        "threads": run.threads,
        "precision": run.settings.resolved_precision(),
        "learning_rate": fitted.learning_rate,
        "interpolated": {"share": fitted.share, "dev_pool": {str(a): v for a, v in fitted.interpolation.items()}},
        "steps": fitted.steps,
        "short_batches": fitted.short_batches,
        "encoding": fitted.encoding,
        "environment": environment(),
    }
    content |= shipped(content, per_query)
    content |= {"teacher": dict(mined.teacher)} if mined.teacher else {}
    content["notices"] = notices
    refresh = {"refresh": sum(line["seconds"] for line in fitted.refreshes)} if fitted.refreshes else {}
    content["seconds"] = {**run.stages.seconds, "watch": fitted.watch_seconds, **refresh, "total": run.stages.total()}
    return content


def refreshes(fitted: Any) -> list[dict[str, Any]]:
    """When negatives were mined anew, and how many of them changed; their seconds stand with the others."""
    return [{key: line[key] for key in ("step", "pairs", "changed")} for line in fitted.refreshes]


def measured(per_query: pl.DataFrame, slices_of: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Means, gains, slices and power of every split in ``per_query``; ``slices_of`` names each split's columns."""
    splits = per_query["split"].unique(maintain_order=True).to_list() if per_query.height else []
    return {
        **{split: comparing.arm_means(per_query, split) for split in splits},
        "gain": {split: {arm: comparing.gain(per_query, split, arm).told() for arm in BASELINES} for split in splits},
        "slices": {split: sliced(per_query, split, slices_of.get(split, ())) for split in splits},
        "power": {split: power(per_query, split) for split in splits},
    }


def sliced(per_query: pl.DataFrame, split: str, columns: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Column to value to ``n``, each arm's nDCG@10, and ``comparing.slice_gains`` of adapted over zero-shot."""
    gains = comparing.slice_gains(per_query, split, columns, BASELINES[0])
    return {
        column: {value: {**cells, **gains[column][value]} for value, cells in parts.items()}
        for column, parts in comparing.slices(per_query, split, columns).items()
    }


def trusted(per_query: pl.DataFrame, splits: Mapping[str, Judged], hits: comparing.Found) -> dict[str, Any]:
    """How far figures can be trusted, and how alike queries of one meaning are answered; by split.

    ``judged``: median ``documents`` judged per query, mean judged@10 of each arm, ``warnings``. ``consistency``: mean
    rank-biased overlap between the results of queries with the same best document, and the gain of adapted.
    """
    judged, alike = {}, {}
    for split, told in splits.items():
        rows = per_query.filter(split=split).group_by("arm", maintain_order=True).agg(pl.mean(comparing.JUDGED))
        arms, documents = {arm: share or 0.0 for arm, share in rows.iter_rows()}, judged_documents(told)
        named = {ARMS.get(arm, arm): share for arm, share in arms.items()}
        judged[split] = {"documents": documents, "arms": arms, "warnings": warnings(split, named, documents)}
        found = consistency(hits[split], told, BASELINES[0], "adapted")
        if found.difference is not None:
            gain = found.difference.told("rbo")
            alike[split] = {**found.arms, "groups": found.groups, "queries": found.queries, "gain": gain}
    return {"judged": judged} | ({"consistency": alike} if alike else {})


def shipped(content: Mapping[str, Any], per_query: pl.DataFrame) -> dict[str, Any]:
    """The block ``shipping``, by the split that steered least; nothing where no split was measured."""
    split = next((name for name in reversed(comparing.SPLITS) if name in content), None)
    if split is None:
        return {}
    cautions = content.get("judged", {}).get(split, {}).get("warnings", [])
    return {"shipping": shipping(per_query, split, content["gain"][split], content["slices"][split], cautions)}


def mixing(schedule: Any, pairs: pl.DataFrame) -> dict[str, Any]:
    """What was asked of the mixture, what was drawn, and what of it reached the loss; by tenths where that changes."""
    told = {
        "asked": schedule.asked,
        "drawn": schedule.drawn,
        "share_of_loss": schedule.share_of_loss,
        "pairs": dict(sorted(pairs.group_by("source").len().iter_rows())),
        "draws": len(schedule.rows),
    }
    return told | ({"stages": [asdict(stage) for stage in schedule.stages]} if schedule.stages else {})
