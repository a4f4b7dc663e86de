"""Graded judgments of the domain's ``train`` split as training pairs."""

import math
from collections.abc import Mapping

import polars as pl

from shoptalk.domain.judgments import Judged
from shoptalk.errors import InputError
from shoptalk.sources.pairs import Ground, Yielded, as_pairs


class LabelSource:
    """Every judgment with a grade of ``min_grade`` or more is a pair, weighted by its grade.

    Args:
        min_grade: least grade that counts as relevant, at least 1.
        grade_weights: weight of each grade; ``None`` for grade / highest grade of the split. Weights are
            then scaled to mean 1, as in every source.
    """

    def __init__(self, min_grade: int = 1, grade_weights: Mapping[int, float] | None = None):
        if isinstance(min_grade, bool) or not isinstance(min_grade, int) or min_grade < 1:
            raise InputError(f"labels: min_grade={min_grade} is not possible; give a whole number of 1 or more.")
        self.min_grade = min_grade
        self.grade_weights = grade_weights and {_grade(g): _weight(g, w) for g, w in grade_weights.items()}

    def read(self, name: str, ground: Ground) -> Yielded:
        """The pairs of the ``train`` split.

        Raises:
            InputError: no ``train`` split, no judgment good enough, or a grade that has no weight.
        """
        domain = ground.domain
        if "train" not in domain.splits:
            raise InputError(
                f"{name}: the domain {domain.name} has no train judgments; "
                "add qrels/train.tsv to it, or choose data=pairs, data=clicks or data=synthetic."
            )
        table = judgments(domain.splits["train"])
        good = table.filter(pl.col("grade") >= self.min_grade)
        if not good.height:
            raise InputError(
                f"{name}: no train judgment of the domain {domain.name} has a grade of {self.min_grade} or more; "
                "lower min_grade."
            )
        good = good.with_columns(weight=self._weights(good["grade"], name))
        known = pl.Series([d in domain.corpus.index for d in good["doc_id"]], dtype=pl.Boolean)
        lost = good.filter(~known).with_columns(reason=pl.lit("document not in the corpus"))
        counts = {"read": table.height, "below min_grade": table.height - good.height, "not in the corpus": lost.height}
        pairs = as_pairs(good.filter(known), name)
        return Yielded(pairs, rejected=lost, counts=counts | {"kept": pairs.height})

    def _weights(self, grades: pl.Series, name: str) -> pl.Series:
        if not self.grade_weights:
            return grades / grades.max()
        missing = sorted(set(grades) - set(self.grade_weights))
        if missing:
            raise InputError(f"{name}: grade_weights has none for grade {missing[0]}; add one, or raise min_grade.")
        return grades.replace_strict(self.grade_weights, return_dtype=pl.Float64)


def judgments(split: Judged) -> pl.DataFrame:
    """One row per query text and document: ``query``, ``doc_id``, ``grade`` (best), ``query_kind``."""
    kinds = split.columns.get("query_kind") or [None] * len(split)
    rows = [
        (text, doc_id, grade, kind)
        for query_id, text, kind in zip(split.ids, split.texts, kinds, strict=True)
        for doc_id, grade in sorted(split.qrels.get(query_id, {}).items())
    ]
    columns = ("query", "doc_id", "grade", "query_kind")
    schema = dict.fromkeys(columns, pl.String) | {"grade": pl.Int64}
    table = pl.DataFrame(rows, schema=schema, orient="row").sort("grade", descending=True, maintain_order=True)
    return table.unique(["query", "doc_id"], keep="first", maintain_order=True)


def _grade(grade: object) -> int:
    try:
        return int(str(grade))
    except ValueError:
        raise InputError(f"labels: grade_weights has a key '{grade}'; grades are whole numbers.") from None


def _weight(grade: object, weight: float) -> float:
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight) or weight <= 0:
        raise InputError(f"labels: grade_weights.{grade}={weight} is not a weight; give a finite number above 0.")
    return float(weight)
