"""A pair's places for negatives while they are filled, and the table they become."""

import numpy as np
import polars as pl
import pyarrow as pa

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
    order = np.lexsort((places["rank"], places["rank"] < 0, places["miner"] == FILLED), axis=1)
    places = np.take_along_axis(places, order, axis=1)
    given = places["row"] >= 0
    found, offsets = places[given], np.concatenate([[0], np.cumsum(given.sum(axis=1))])
    # A number nobody gave is null: a random document has no score and no rank.
    ranks = pl.Series(found["rank"])
    columns = {
        "negatives": pl.Series(corpus.ids, dtype=pl.String).gather(found["row"]),
        "scores": pl.Series(found["score"]).fill_nan(None),
        "probabilities": pl.Series(found["probability"]).fill_nan(None),
        "ranks": ranks.set(ranks < 0, None),
        "miners": pl.Series(found["miner"].tolist(), dtype=pl.String),
    }
    lists = {name: _lists(values, offsets) for name, values in columns.items()}
    if not judged:
        lists["probabilities"] = pl.lit(None, dtype=pl.List(pl.Float32))
    return pairs.select("query", "doc_id").with_columns(**lists)


def _lists(values: pl.Series, offsets: np.ndarray) -> pl.Series:
    """Line i is ``values[offsets[i]:offsets[i + 1]]``."""
    return pl.Series(pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values.to_arrow()))
