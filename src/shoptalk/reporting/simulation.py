"""What a simulated log hides, for reports only: no stage may see any of this."""

from pathlib import Path

import polars as pl

from shoptalk.domain.text import normalise


def purity(pairs: pl.DataFrame, truth: pl.DataFrame) -> float | None:
    """Share of ``pairs`` (``query``, ``doc_id``) that are true, in any spelling of the query; ``None`` without pairs.

    ``truth`` is the simulator's table: one row per intent and relevant document.
    """
    if not pairs.height:
        return None
    true = set(zip(map(normalise, truth["query"]), truth["doc_id"], strict=True))
    hits = sum((normalise(q), d) in true for q, d in zip(pairs["query"], pairs["doc_id"], strict=True))
    return hits / pairs.height


def never_shown(truth: pl.DataFrame) -> dict[str, float | int | None]:
    """How much of the truth no list ever held, by intent (an intent counts as shown if one of its documents was).

    ``intents`` and ``asked`` are counts; ``of_all`` and ``of_asked`` the shares of them never shown.
    """
    intents = truth.group_by("intent_id").agg(pl.col("times_asked").max(), pl.col("times_shown").sum())
    asked = intents.filter(pl.col("times_asked") > 0)
    shares = [(t["times_shown"] == 0).mean() for t in (intents, asked)]
    return {"intents": intents.height, "asked": asked.height, "of_all": shares[0], "of_asked": shares[1]}


def told(pairs: pl.DataFrame, truth_path: Path) -> dict[str, object]:
    """What a run reports of its simulated log: intents never shown, and the purity of each click source's pairs.

    Pairs that the log's clicks gave and those that the teacher gave (``teacher_score``) are told apart.
    """
    truth = pl.read_parquet(truth_path)
    guessed = pl.col("teacher_score").is_not_null()
    told: dict[str, object] = {"never_shown": never_shown(truth), "purity": _by_source(pairs.filter(~guessed), truth)}
    pseudo = pairs.filter(guessed)
    return told | ({"pseudo_purity": _by_source(pseudo, truth)} if pseudo.height else {})


def _by_source(pairs: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float | None]:
    return {name: purity(part, truth) for (name,), part in pairs.group_by("source", maintain_order=True)}
