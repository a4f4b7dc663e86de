"""A pair's places for negatives while they are filled, and the table they become."""

import numpy as np
import polars as pl

from shoptalk.domain.corpus import Corpus

PLACE = np.dtype(
    [("row", np.int64), ("score", np.float32), ("rank", np.int32), ("probability", np.float32), ("miner", object)]
)
"""One place: corpus row (-1 while empty), the miner's score (NaN: none), rank in its search (-1: none), the
teacher's probability (NaN: not judged), and the name of the strategy that gave it."""

FILLED = "filled"
"""The miner of a place that no candidate was left for and that a fallback filled."""


def blank(pairs: int, keep: int) -> np.ndarray:
    """Empty places: PLACE [pairs, keep]."""
    places = np.empty((pairs, keep), PLACE)
    places["row"], places["score"], places["rank"], places["probability"], places["miner"] = -1, np.nan, -1, np.nan, ""
    return places


def placed(places: np.ndarray, where: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """``places`` [n, keep] with what is ``offered`` [n, m], in its order, in the empty ones.

    A document that stands in the line already is passed over.

    Args:
        where: bool [n, keep], the places that may be filled.
    """
    places = places.copy()
    for column in range(offered.shape[1]):
        candidate = offered[:, column]
        empty = where & (places["row"] < 0)
        twice = (places["row"] == candidate["row"][:, None]).any(axis=1)
        good = np.flatnonzero((candidate["row"] >= 0) & empty.any(axis=1) & ~twice)
        places[good, np.argmax(empty, axis=1)[good]] = candidate[good]
    return places


def as_table(pairs: pl.DataFrame, corpus: Corpus, places: np.ndarray, judged: bool = False) -> pl.DataFrame:
    """One line per pair, as ``Mined.table`` has it: each line by rank, then what has none, then what is filled.

    Args:
        judged: a teacher looked at candidates; else every list of probabilities is null.
    """
    ids = np.asarray(corpus.ids, dtype=object)
    order = np.lexsort((places["rank"], places["rank"] < 0, places["miner"] == FILLED), axis=1)
    places = np.take_along_axis(places, order, axis=1)
    lines = [line[line["row"] >= 0] for line in places]
    probabilities = [_known(line["probability"]) if judged else None for line in lines]
    ranks = [[rank if rank >= 0 else None for rank in line["rank"].tolist()] for line in lines]
    return pairs.select("query", "doc_id").with_columns(
        negatives=pl.Series([ids[line["row"]].tolist() for line in lines], dtype=pl.List(pl.String)),
        scores=pl.Series([_known(line["score"]) for line in lines], dtype=pl.List(pl.Float32)),
        probabilities=pl.Series(probabilities, dtype=pl.List(pl.Float32)),
        ranks=pl.Series(ranks, dtype=pl.List(pl.Int32)),
        miners=pl.Series([line["miner"].tolist() for line in lines], dtype=pl.List(pl.String)),
    )


def _known(values: np.ndarray) -> list[float | None]:
    """A number nobody gave (NaN: a random document has no score) is null."""
    return [value if value == value else None for value in values.tolist()]
