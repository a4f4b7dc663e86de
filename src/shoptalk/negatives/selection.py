"""From ranked candidates to negatives: which may stay, and which of those are picked.

The filters apply in this order, and a candidate counts under the first that drops it:

1. known positive: of the query, in any spelling of it, and the pair's own document;
2. rank window: ranks [``low``, ``high``) stay; they count from 0 over everything the miner ranked, known
   positives included;
3. ``absolute_margin``: a negative scores at most the positive's score minus this;
4. ``relative_margin``: at most the positive's score minus this share of its magnitude;
5. ``positive_share``: at most this share of the positive's score;
6. ``min_score``, then ``max_score``: at least and at most this.

Then ``pick`` takes ``keep`` of what is left, and ``fallback`` sees to the places that nothing is left for.
"The positive" is the pair's own document, its score the miner's. A document outside the corpus has none, and
3 to 5 drop nothing beside it.

``positive_share`` is TopK-PercPos of NV-Retriever (Moreira et al. 2024, section 4) as its paper has it.
Beside a positive score, a share of 0.95 is a relative margin of 0.05. Beside a negative score it turns round:
0.95 of -0.4 is -0.38, so that candidates *above* the positive stay; ``relative_margin`` puts the limit below the
positive at any score, here at -0.42. Scores that can be negative (cosines far from the topic, logits) want the
relative margin.

Differences from sentence-transformers
--------------------------------------
``sentence_transformers.util.mine_hard_negatives`` (6.2) has knobs of the same names; the tests of parity hold both
where they agree and where they do not.

- Ranks. ``low`` and ``high`` count what the search found. ``range_min`` counts what is left once positives and all
  that other filters drop are gone: 2 skips the two hardest *usable* documents, where ``low=2`` skips the first two
  found, whatever they are. ``range_max`` looks p ranks further, p being the most positives that any query has, and
  then takes no more than ``range_max`` of what is left. So ``range_max`` is ``high`` - p, and ``range_min`` is ``low``
  where no positive and nothing dropped stands before it.
- Margins. A query with several positives is held to the lowest score among them there, to the score of the pair's
  own document here: a pair is one example, and its loss compares its own two documents.
- Positives. They leave out the positives written with the very same query text in the given pairs; we do so for
  every spelling that normalises to the same, and for the judgments of the train and calibration splits.
- Documents. They count documents of equal text once; a corpus here may hold them under two ids.
- Scores. Theirs are cosines (they normalise), ours those of the miner.
- Shortage. They give fewer negatives, as ``Short`` does; the default here fills with random documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.picks import Pick, Top
from shoptalk.negatives.places import blank
from shoptalk.retrieval.ranked import Ranked


@dataclass(frozen=True)
class Knobs:
    """What all miners share; the module tells what each knob does and in which order.

    Attributes:
        low, high: 0 <= low < high; rank 0 is the best.
        keep: negatives stored per pair; >= 1.
        absolute_margin: in units of the score; >= 0.
        relative_margin: in [0, 1].
        positive_share: in (0, 1].
        min_score, max_score: min_score <= max_score.
        pick: ``Top``, ``Uniform`` or ``SimAns``.
    """

    low: int = 0
    high: int = 50
    keep: int = 4
    absolute_margin: float | None = None
    relative_margin: float | None = None
    positive_share: float | None = None
    min_score: float | None = None
    max_score: float | None = None
    pick: Pick = field(default_factory=Top)

    def __post_init__(self):
        if not 0 <= self.low < self.high:
            raise InputError(f"negatives.low={self.low} must be at least 0 and below negatives.high={self.high}.")
        if self.keep < 1:
            raise InputError(f"negatives.keep={self.keep} must be at least 1.")
        if self.absolute_margin is not None and not self.absolute_margin >= 0:
            raise InputError(f"negatives.absolute_margin={self.absolute_margin} must be at least 0.")
        if self.relative_margin is not None and not 0 <= self.relative_margin <= 1:
            raise InputError(f"negatives.relative_margin={self.relative_margin} must lie between 0 and 1.")
        if self.positive_share is not None and not 0 < self.positive_share <= 1:
            raise InputError(f"negatives.positive_share={self.positive_share} must be above 0 and at most 1.")
        if None not in (self.min_score, self.max_score) and not self.min_score <= self.max_score:
            raise InputError(
                f"negatives.min_score={self.min_score} must be at most negatives.max_score={self.max_score}."
            )

    def filters(self, scores: np.ndarray, positive: np.ndarray) -> dict[str, np.ndarray]:
        """What each filter of scores drops: name -> bool like ``scores`` [n, k]; ``positive`` float32 [n]."""
        limits = {}
        if self.absolute_margin is not None:
            limits["absolute margin"] = positive - self.absolute_margin
        if self.relative_margin is not None:
            limits["relative margin"] = positive - np.abs(positive) * self.relative_margin
        if self.positive_share is not None:
            limits["positive share"] = positive * self.positive_share
        found = {name: scores > limit.astype(np.float32)[:, None] for name, limit in limits.items()}
        if self.min_score is not None:
            found["min score"] = scores < self.min_score
        if self.max_score is not None:
            found["max score"] = scores > self.max_score
        return found


@dataclass(frozen=True)
class Candidates:
    """Ranked and filtered candidates of n pairs.

    Attributes:
        ranked: [n, k] in the miner's order, hardest first; the column is the rank.
        free: bool [n, k], which passed every filter.
        keys: uint64 [n], of (seed, pair).
        positive: float32 [n], the miner's score of each pair's own document; NaN where it has none.
        probabilities: float32 [n, k], the teacher's, NaN where it judged none; ``None`` without a teacher.
        dropped: filter -> how many it dropped.
    """

    ranked: Ranked
    free: np.ndarray
    keys: np.ndarray
    positive: np.ndarray
    probabilities: np.ndarray | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    notices: Sequence[str] = ()


def allowed(
    ranked: Ranked, barred: np.ndarray, knobs: Knobs, positive: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, int]]:
    """Which candidates pass every filter, and how many each filter dropped.

    Args:
        ranked: [n, k] candidates.
        barred: bool [n, k].
        positive: float32 [n], the miner's score of each pair's positive, NaN where it has none (everywhere when
            not given).

    Returns:
        (bool [n, k], filter -> count).

    Raises:
        InputError: a candidate's score is not a number.
    """
    if np.isnan(ranked.scores).any():
        raise InputError("The miner gave scores that are not a number; check the base model's embeddings.")
    positive = np.full(len(ranked), np.nan, np.float32) if positive is None else positive
    ranks = np.arange(ranked.rows.shape[1])[None, :]
    filters = {"known positive": barred, "rank window": (ranks < knobs.low) | (ranks >= knobs.high)}
    filters |= knobs.filters(ranked.scores, positive)
    free, dropped = ranked.rows >= 0, {}
    for name, hit in filters.items():
        dropped[name] = int((free & hit).sum())
        free = free & ~hit
    return free, dropped


def turns(found: Candidates, how: Pick) -> np.ndarray:
    """Int64 [n, k]: candidate columns in the order they are to be taken, those not ``free`` behind."""
    order = how.rank(found.keys, found.ranked.scores, found.positive)
    behind = ~np.take_along_axis(found.free, order, axis=1)
    return np.take_along_axis(order, np.argsort(behind, axis=1, kind="stable"), axis=1)


def pick(found: Candidates, keep: int, how: Pick, miner: str) -> np.ndarray:
    """At most ``keep`` of the free candidates per pair, in the order they are taken: PLACE [n, keep]."""
    order = turns(found, how)[:, :keep]
    taken = np.take_along_axis(found.free, order, axis=1)
    places = blank(len(order), keep)
    first = places[:, : order.shape[1]]
    first["row"][taken] = np.take_along_axis(found.ranked.rows, order, axis=1)[taken]
    first["score"][taken] = np.take_along_axis(found.ranked.scores, order, axis=1)[taken]
    first["rank"][taken] = order[taken]
    first["miner"][taken] = miner
    if found.probabilities is not None:
        first["probability"][taken] = np.take_along_axis(found.probabilities, order, axis=1)[taken]
    return places
