"""Every run against the first, query by query."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from shoptalk.errors import InputError
from shoptalk.reporting.runs.told import Told
from shoptalk.retrieval.holm import holm
from shoptalk.retrieval.significance import Difference, compare

MEASURE = "ndcg@10"


@dataclass(frozen=True)
class Against:
    """A run's difference from the first; ``p_value`` by Holm (1979) over all runs that were compared."""

    run: Told
    difference: Difference
    p_value: float

    def sentence(self, first: Told, split: str) -> str:
        """What was found, in words."""
        found, points = self.difference, 100 * self.difference.mean
        word = found.verdict if self.p_value < 0.05 else "inconclusive"
        return (
            f"On {found.n:,} {split} queries {self.run.label} has {points:+.1f} points of nDCG@10 against "
            f"{first.label} (95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}, "
            f"p = {self.p_value:.4f} by Holm): {word}."
        )


def shared_split(runs: Sequence[Told], asked: str | None) -> str | None:
    """The split to compare on: ``asked``, else dev, by which one chooses, else test; ``None`` where none is shared.

    Raises:
        InputError: a run did not measure the split asked for.
    """
    if asked is not None:
        for run in runs:
            if asked not in run.metrics["gain"]:
                raise InputError(f"split={asked} was not measured by {run.folder}, which has "
                                 f"{', '.join(run.metrics['gain']) or 'no split'}; choose another.")  # fmt: skip
        return asked
    return next((split for split in ("dev", "test") if all(split in run.metrics["gain"] for run in runs)), None)


def against_first(runs: Sequence[Told], split: str) -> list[Against]:
    """The adapted models of all runs but the first against the first's.

    Raises:
        InputError: the queries of a run are others.
    """
    base = scores(runs[0], split)
    found = []
    for run in runs[1:]:
        own = scores(run, split)
        if own.select("query_id", "query").equals(base.select("query_id", "query")):
            found.append(compare(own["adapted"].to_numpy(), base["adapted"].to_numpy()))
        else:
            raise InputError(f"The {split} queries of {run.folder} and {runs[0].folder} are not the same; give runs of "
                             "one domain.seed.")  # fmt: skip
    corrected = holm([difference.p_value for difference in found])
    return [Against(*told) for told in zip(runs[1:], found, corrected, strict=True)]


def scores(run: Told, split: str) -> pl.DataFrame:
    """nDCG@10 of every arm, a column each, by ``query_id`` and ``query``, in that order."""
    rows = run.per_query.filter(pl.col("split") == split)
    return rows.pivot("arm", index=["query_id", "query"], values=MEASURE).sort("query_id")
