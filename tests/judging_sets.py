"""A small set of queries to judge, made by hand."""

import polars as pl
from asking import HOSTILE

from shoptalk.domain.corpus import Corpus
from shoptalk.judging.folder import Folder
from shoptalk.judging.task import Task

IDS = [f"d{n}" for n in range(12)]
CORPUS = Corpus(IDS, [*HOSTILE, "", *(f"title {n}" for n in range(4))], [*(f"text {n}" for n in range(5)), *HOSTILE])
FACTS = {"schema": 1, "domain": "x", "corpus": CORPUS.digest, "seed": 0, "sampling": {}, "log": None, "queries": None,
         "judged": False, "judge": "ann"}  # fmt: skip
POOL = {f"q{n}": [IDS[(3 * n + k) % 12] for k in range(4)] for n in range(10)}


def sample():
    """Ten queries of two cells: five of ten in the head, five of fifty in the tail."""
    texts = [*HOSTILE, "plain one", "plain two", "plain three"]
    return pl.DataFrame(
        {"query_id": list(POOL), "query": texts, "traffic": ["head", "tail"] * 5, "form": ["keyword"] * 10,
         "searches": [30.0, 2.0] * 5, "population": [10, 50] * 5, "cell_searches": [300.0, 100.0] * 5,
         "inclusion_probability": [0.5, 0.1] * 5}
    )  # fmt: skip


def made(path):
    folder = Folder.made(path, FACTS, sample(), CORPUS)
    folder.with_pool(POOL, {"bm25 to 20": ""})
    return folder


def task():
    return Task.of(sample(), POOL)
