"""Synthetic pairs: documents are chosen, a generator writes queries for them, filters keep the useful ones."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.pairs import Ground, Yielded, as_pairs
from shoptalk.sources.synthetic.coverage import Coverage, Plan, Uniform
from shoptalk.sources.synthetic.filters import Filter, reasons
from shoptalk.sources.synthetic.generators import Generator
from shoptalk.sources.synthetic.material import REAL, Material, Order
from shoptalk.sources.synthetic.quality import quality

_VERSION = 2  # of planning, filters and quality
UNIFORM = Uniform()  # of no state
_WRITTEN = {"row": pl.Int64, "doc_id": pl.String, "query": pl.String, "rule": pl.String}


class SyntheticSource:
    """Queries written for documents of the corpus, each a pair with the document it was written for.

    The writer may learn from what real people asked: the domain's ``train`` judgments and the pairs of other sources.

    Args:
        generator: who writes.
        documents: for how many documents, as ``coverage`` chooses them; ``None`` for all.
        queries_per_document: most queries for one document.
        filters: applied in this order, by name; ``None`` in place of one switches it off.
        coverage: for which documents and in which forms.
        pairs: most pairs that are kept, drawn by the seed; ``None`` for all. Equal numbers make generators comparable.
    """

    after_others = True

    def __init__(
        self,
        generator: Generator,
        documents: int | None = 3000,
        queries_per_document: int = 2,
        filters: Mapping[str, Filter | None] | None = None,
        coverage: Coverage = UNIFORM,
        pairs: int | None = None,
    ):
        budget = {"documents": documents, "queries_per_document": queries_per_document, "pairs": pairs}
        for key, value in budget.items():
            optional = key != "queries_per_document" and value is None
            if not optional and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise InputError(f"synthetic: {key}={value} is not possible; give a whole number of 1 or more.")
        self.generator = generator
        self.documents = documents
        self.queries_per_document = queries_per_document
        self.filters = {name: f for name, f in (filters or {}).items() if f is not None}
        self.coverage = coverage
        self.pairs = pairs

    def read(self, name: str, ground: Ground) -> Yielded:
        """The kept pairs; ``rejected`` holds the others with the reason, ``counts`` how many by reason.

        Raises:
            InputError: nothing is left.
        """
        real = real_queries(ground)
        plan = self.coverage.plan(ground, real, self._documents(ground.domain.corpus), self.queries_per_document)
        for sentence in plan.said:
            ground.voice.say(sentence)
        rows = plan.rows
        written, faults = self._written(plan, real, ground)
        kept, rejected = self._filtered(written, ground)
        kept, beyond = self._capped(kept, ground.seed)
        rejected = pl.concat([faults, rejected, beyond])
        if not kept.height:
            raise InputError(
                f"{name}: none of {written.height} queries written for {len(rows)} documents passed the filters; "
                "raise documents or queries_per_document, or switch a filter off."
            )
        kept = kept.with_columns(query_form=pl.Series(map(ground.form, kept["query"]), dtype=pl.String))
        pairs = as_pairs(kept, name)
        reasons = dict(rejected.group_by("reason").len().sort("reason").iter_rows())
        silent = len(rows) - written["row"].n_unique()
        read = written.height + faults.height
        counts = {"documents": len(rows), "documents without a query": silent, "read": read}
        by_rule = {f"kept by rule {rule}": n for rule, n in kept.group_by("rule").len().sort("rule").iter_rows()}
        return Yielded(
            pairs,
            rejected=rejected,
            counts=counts | reasons | {"kept": pairs.height} | by_rule,
            quality=partial(quality, kept, rejected, real, ground.domain.corpus, ground.embed),
        )

    def contents(self, ground: Ground) -> list[object] | None:
        """See ``sources.cached``; ``None`` where a model writes or judges, which keeps its answers itself."""
        version = getattr(self.generator, "version", None)
        asks = any(getattr(one, "asks_a_model", False) for one in self.filters.values())
        return None if asks or version is None else [_VERSION, version]

    def _documents(self, corpus: Corpus) -> int:
        return len(corpus) if self.documents is None else min(self.documents, len(corpus))

    def _written(self, plan: Plan, real: pl.DataFrame, ground: Ground) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The queries, and where there is none the reason."""
        corpus = ground.domain.corpus
        material = Material(corpus, ground.cache, real, ground.embed, ground.seed, ground.voice, ground.form)
        asked = zip(plan.rows, plan.forms, strict=True)
        orders = [Order(corpus.titles[row], corpus.texts[row], forms) for row, forms in asked]
        queries = self.generator.prepared(material).write(orders, ground.seed)
        lines = [
            (row, corpus.ids[row], q.query, q.form, q.fault or None)
            for row, found in zip(plan.rows, queries, strict=True)
            for q in found
        ]
        table = pl.DataFrame(lines, schema=_WRITTEN | {"reason": pl.String}, orient="row")
        return table.filter(pl.col("reason").is_null()).drop("reason"), table.filter(pl.col("reason").is_not_null())

    def _filtered(self, written: pl.DataFrame, ground: Ground) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Kept rows, and rejected rows with the reason of the first filter that dropped them.

        Filters see queries as they were written; of what is kept, white space is collapsed.
        """
        rejected = [written.clear().with_columns(reason=pl.lit(None, dtype=pl.String))]
        for one in self.filters.values():
            judged = written.with_columns(reason=reasons(one, written, ground))
            rejected.append(judged.filter(pl.col("reason").is_not_null()))
            written = judged.filter(pl.col("reason").is_null()).drop("reason")
        collapsed = pl.Series("query", [" ".join(q.split()) for q in written["query"]], dtype=pl.String)
        written = written.with_columns(collapsed)
        again = written.is_duplicated() & ~written.with_row_index()["index"].is_in(_firsts(written))
        rejected.append(written.filter(again).with_columns(reason=pl.lit("repeated")))
        return written.filter(~again), pl.concat(rejected)

    def _capped(self, kept: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """``pairs`` of the rows, in their order, and the others as rejected."""
        size = kept.height if self.pairs is None else min(self.pairs, kept.height)
        drawn = pl.Series(np.isin(np.arange(kept.height), np.random.default_rng(seed).permutation(kept.height)[:size]))
        return kept.filter(drawn), kept.filter(~drawn).with_columns(reason=pl.lit("beyond pairs"))


def real_queries(ground: Ground) -> pl.DataFrame:
    """What people asked, as far as a run may learn from it: ``train`` judgments and the pairs of other sources."""
    train, others = ground.domain.splits.get("train"), ground.others
    judged = zip(train.texts, train.positives(), strict=True) if train else ()
    told = [(query, doc_ids[0]) for query, doc_ids in judged if doc_ids]
    table = pl.DataFrame(told, schema={name: REAL[name] for name in ("query", "doc_id")}, orient="row")
    if others is not None:
        table = pl.concat([table, others.select("query", "doc_id")])
    forbidden, there = ground.domain.evaluation_queries(), ground.domain.corpus.index
    table = table.unique(maintain_order=True).filter(
        pl.col("query").map_elements(normalise, pl.String).is_in(forbidden).not_(), pl.col("doc_id").is_in(set(there))
    )
    return table.with_columns(query_form=pl.col("query").map_elements(ground.form, pl.String))


def _firsts(written: pl.DataFrame) -> list[int]:
    return written.with_row_index().unique(["row", "query"], keep="first", maintain_order=True)["index"].to_list()
