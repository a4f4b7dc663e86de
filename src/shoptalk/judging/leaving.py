"""Grades as a collection in BEIR's layout, with the weights that make its queries stand for all searches."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.judging import sheets
from shoptalk.judging.folder import Folder, replaced, told
from shoptalk.judging.journal import GRADES, Said, said
from shoptalk.judging.task import Task

WEIGHTS = ("query_id", "split", "stratum", "searches", "inclusion_probability", "weight", "traffic_weight")


@dataclass(frozen=True)
class Left:
    """What was written.

    Attributes:
        states: ``graded``, ``begun``, ``waiting`` or ``skipped`` to the number of queries.
        unanswered: graded queries without a document above 0; who reads the collection leaves them out.
        grades: grade to the number of documents. splits: split to its number of queries.
        disputed: documents that judges grade differently; the first judge's grade counts.
        covered: split to the share of searches that the cells with graded queries hold.
    """

    states: Mapping[str, int]
    unanswered: int
    grades: Mapping[int, int]
    splits: Mapping[str, int]
    disputed: int
    covered: Mapping[str, float]


def leave(folder: Folder, dev_share: float) -> Left:
    """Write ``queries.jsonl``, ``qrels/test.tsv``, ``qrels/dev.tsv`` and ``weights.csv`` from what is graded so far.

    Only queries of which every pooled document has a grade count. In ``weights.csv`` a query stands for ``weight``
    queries and ``traffic_weight`` searches: a mean of a measure weighted by the latter estimates the mean over
    searches. Chances are those within a split, from the queries of a cell that are graded.

    Args:
        dev_share: of the graded queries for ``dev``, by a hash of the query; the others are ``test``.

    Raises:
        InputError: the disk refuses, or a journal cannot be read.
    """
    pool, sample = folder.pool, folder.sample
    merged, disputed = _merged(folder)
    task = Task.of(sample, pool)
    states = task.states(merged)
    done = sample.filter(pl.col("query_id").is_in(states["graded"]))
    split = ["dev" if _share(query_id) < dev_share else "test" for query_id in done["query_id"]]
    table = weighed(done.with_columns(split=pl.Series(split, dtype=pl.String)))
    with told(folder.path):
        _write(folder, table, task, merged)
    answered = {query_id for (query_id, _), grade in merged.grades.items() if grade}
    cells = sample.unique(["traffic", "form"])["cell_searches"].sum()
    return Left(
        states={name: len(ids) for name, ids in states.items()},
        unanswered=len(set(states["graded"]) - answered),
        grades={grade: sum(g == grade for g in merged.grades.values()) for grade in GRADES},
        splits=dict(table.group_by("split").len().sort("split").iter_rows()),
        disputed=disputed,
        covered={
            name: part.unique("stratum")["cell_searches"].sum() / cells for (name,), part in table.group_by("split")
        },
    )


def weighed(done: pl.DataFrame) -> pl.DataFrame:
    """``done`` (as of ``Sampling.draw``, with ``split``) with the chances of what was done, and what follows."""
    cell = ["split", "traffic", "form"]
    table = done.with_columns(
        stratum=pl.format("{} {}", "traffic", "form"), inclusion_probability=pl.len().over(cell) / pl.col("population")
    )
    table = table.with_columns(weight=1 / pl.col("inclusion_probability"))
    return table.with_columns(traffic_weight=pl.col("weight") * pl.col("searches"))


def check_share(dev_share: float) -> float:
    """``dev_share``, where it is a share."""
    if isinstance(dev_share, bool) or not isinstance(dev_share, int | float) or not 0 <= dev_share < 1:
        raise InputError(f"dev_share={dev_share} is not possible; give a share of 0 or more and below 1.")
    return float(dev_share)


def _share(query_id: str) -> float:
    return int(digest("dev", query_id)[:8], 16) / 16**8


def _merged(folder: Folder) -> tuple[Said, int]:
    """All judges' grades, the first judge's before the others', and how many documents they dispute."""
    merged, disputed = Said(), set()
    for judge in folder.judges():
        found = said(folder.journal(judge))
        for key, grade in found.grades.items():
            if merged.grades.setdefault(key, grade) != grade:
                disputed.add(key)
        if judge == folder.facts["judge"]:
            merged.skipped = found.skipped
    return merged, len(disputed)


def _write(folder: Folder, table: pl.DataFrame, task: Task, merged: Said) -> None:
    lines, answered = defaultdict(list), set()
    with replaced(folder.path / "queries.jsonl") as out:
        for row in table.iter_rows(named=True):
            about = {"traffic": row["traffic"], "query_form": row["form"]}
            out.write(json.dumps({"_id": row["query_id"], "text": row["query"], "metadata": about}) + "\n")
            for doc_id in task.documents[row["query_id"]]:
                grade = merged.grades[row["query_id"], doc_id]
                lines[row["split"]].append(f"{row['query_id']}\t{doc_id}\t{grade}\n")
                answered |= {row["split"]} if grade else set()
    (folder.path / "qrels").mkdir(exist_ok=True)
    for split in ("dev", "test"):
        if split not in answered:  # nobody could read it
            (folder.path / "qrels" / f"{split}.tsv").unlink(missing_ok=True)
            continue
        with replaced(folder.path / "qrels" / f"{split}.tsv") as out:
            out.writelines(["query-id\tcorpus-id\tscore\n", *lines[split]])
    sheets.write(folder.path / "weights.csv", WEIGHTS, table.select(WEIGHTS).iter_rows(), "out")
