"""A large simulated log in files of a million rows, made in bounded memory."""

from pathlib import Path

import numpy as np
import polars as pl

LIST, DOCUMENTS, QUERIES, USERS = 10, 100_000, 200_000, 500_000
_DAYS_MS = 90 * 86_400_000
_PART = 100_000  # searches in one file


def document_ids() -> list[str]:
    """Ids of the corpus the log is about."""
    return [f"document-{n:06d}" for n in range(DOCUMENTS)]


def write(folder: Path, rows: int, seed: int = 0) -> int:
    """Write about ``rows`` rows below ``folder``, one line per impression and document; gives their number.

    Queries follow Zipf's law with exponent 1; a query has 30 candidate documents, 3 of them relevant, which
    three rankers order differently; a click needs a look (1/rank) and attraction (1 or .1).
    """
    folder.mkdir(parents=True, exist_ok=True)
    ids = pl.Series(document_ids())
    share = 1 / np.arange(1, QUERIES + 1)
    share /= share.sum()
    searches = rows // LIST
    for part, start in enumerate(range(0, searches, _PART)):
        count = min(_PART, searches - start)
        table = _part(np.random.default_rng([seed, part]), ids, share, start, count)
        table.write_parquet(folder / f"{part:05d}.parquet")
    return searches * LIST


def _part(random: np.random.Generator, ids: pl.Series, share: np.ndarray, start: int, count: int) -> pl.DataFrame:
    query = random.choice(QUERIES, count, p=share)
    ranker = random.integers(0, 3, count)
    slot = _slots(query, ranker)
    clicked = random.random((count, LIST)) < np.where(slot < 3, 1.0, 0.1) / np.arange(1, LIST + 1)
    number = np.arange(start, start + count)
    person = (USERS * random.random(count) ** 2).astype(np.int64)
    dwell = np.where(slot < 3, 90, 15) * np.exp(0.9 * random.standard_normal((count, LIST)))
    dwell[~clicked | (random.random((count, LIST)) < 0.2)] = np.nan
    follows = random.random(count) < 0.3
    per_search = pl.DataFrame(
        {
            "impression_id": pl.Series(number).cast(pl.String) + "-impression",
            "ts_ms": 1_735_689_600_000 + random.integers(0, _DAYS_MS, count),
            "query_raw": _texts(query, random.random(count) < 0.2),
            "session_id": pl.Series(number).cast(pl.String) + "-session",
            "user_key": pl.Series(person).cast(pl.String) + "-user",
            "ranker_id": pl.Series(["a", "b", "c"]).gather(ranker),
            "is_bot": random.random(count) < 0.01,
            "next_query": _texts((query * 7 + 1) % QUERIES, np.zeros(count, bool)).set(pl.Series(~follows), None),
            "next_query_gap_s": np.where(follows, random.exponential(60, count), np.nan),
        }
    ).with_columns(pl.col("next_query_gap_s").fill_nan(None).cast(pl.Float32))
    document = (query[:, None] * 31 + slot * 977) % DOCUMENTS
    per_row = pl.DataFrame(
        {
            "doc_id": ids.gather(document.ravel()),
            "position": np.tile(np.arange(1, LIST + 1, dtype=np.int16), count),
            "clicked": clicked.ravel(),
            "dwell_s": pl.Series(dwell.ravel().astype(np.float32)).fill_nan(None),
        }
    )
    return pl.concat([per_search[np.repeat(np.arange(count), LIST)], per_row], how="horizontal")


def _slots(query: np.ndarray, ranker: np.ndarray) -> np.ndarray:
    """Candidates 0..29 of each search in the order of its ranker, int64 [searches, 10]; below 3 they are relevant."""
    mixed = (query[:, None] * 2_654_435_761 + np.arange(30) * 40_503 + ranker[:, None] * 97_561) % 1_000_003
    score = mixed / 1_000_003 + 0.5 * (np.arange(30) < 3)
    return np.argsort(-score, axis=1, kind="stable")[:, :LIST]


def _texts(query: np.ndarray, capital: np.ndarray) -> pl.Series:
    plain = pl.Series(query).cast(pl.String)
    return pl.Series(np.where(capital, "Spare part ", "spare part ")) + plain + "-18 gauge"
