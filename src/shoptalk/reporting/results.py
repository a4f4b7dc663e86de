"""``metrics.json``: one mapping that holds all a run found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from shoptalk import comparing
from shoptalk.domain.judgments import Domain, Judged

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
) -> dict[str, Any]:
    """All a run found: the objects are those ``experiment.train`` made on its way."""
    notices = [*domain.notices, *fitted.encoder.notices, *found.notices, *schedule.notices, *mined.notices]
    content = {
        "schema": 1,
        "corpus": domain.name,
        "corpus_digest": domain.corpus.digest,
        "documents": len(domain.corpus),
        "run": run.cfg.run.name,
        "seed": run.cfg.seed,
        **measured(per_query, {name: list(judged.columns) for name, judged in splits.items()}),
        "dev_pool": fitted.curve,
        "mixing": mixing(schedule, found.pairs),
        "sources": {name: dict(counts) for name, counts in found.counts.items()},
        "negatives": {**negatives.metrics(), "refreshes": refreshes(fitted)},
        "domain": dict(domain.counts),
        "threads": run.threads,
        "precision": run.settings.resolved_precision(),
        "learning_rate": fitted.learning_rate,
        "steps": fitted.steps,
        "short_batches": fitted.short_batches,
        "encoding": fitted.encoding,
    }
    content |= {"teacher": dict(mined.teacher)} if mined.teacher else {}
    content["notices"] = notices
    refresh = {"refresh": sum(line["seconds"] for line in fitted.refreshes)} if fitted.refreshes else {}
    content["seconds"] = {**run.stages.seconds, "watch": fitted.watch_seconds, **refresh, "total": run.stages.total()}
    return content


def refreshes(fitted: Any) -> list[dict[str, Any]]:
    """When negatives were mined anew, and how many of them changed; their seconds stand with the others."""
    return [{key: line[key] for key in ("step", "pairs", "changed")} for line in fitted.refreshes]


def measured(per_query: pl.DataFrame, slices_of: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Means, gains and slices of every split in ``per_query``; ``slices_of`` names each split's columns."""
    splits = per_query["split"].unique(maintain_order=True).to_list() if per_query.height else []
    return {
        **{split: comparing.arm_means(per_query, split) for split in splits},
        "gain": {split: {arm: comparing.gain(per_query, split, arm).told() for arm in BASELINES} for split in splits},
        "slices": {split: comparing.slices(per_query, split, slices_of.get(split, ())) for split in splits},
    }


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
