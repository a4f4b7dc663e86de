"""Is a teacher good enough to correct the base model? Both order the same candidates of dev.

A cross-encoder weaker than the bi-encoder it corrects takes good negatives away and leaves bad ones. This only
measures: dev neither masks nor filters anything.
"""

from dataclasses import dataclass

import numpy as np

from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Judged
from shoptalk.negatives.mined import Search
from shoptalk.negatives.scoring import Scores
from shoptalk.retrieval.metrics import per_query
from shoptalk.retrieval.ranked import Ranked
from shoptalk.retrieval.significance import Difference, compare


@dataclass(frozen=True)
class Gate:
    """nDCG@10 of dev.

    Attributes:
        teacher, base: of either's order of the same ``candidates`` documents per query.
        difference: teacher minus base, paired by query.
    """

    teacher: float
    base: float
    candidates: int
    difference: Difference

    @classmethod
    def of(cls, scores: Scores, dense: Search, corpus: Corpus, dev: Judged, candidates: int) -> "Gate":
        """The base model's best ``candidates`` documents of every dev query, in its order and in the teacher's.

        Where the teacher scores two the same, the base model's order stands.
        """
        depth = min(candidates, len(corpus))
        rows = dense(list(dev.texts), depth).rows
        logits = scores(list(dev.texts), rows)
        order = np.argsort(-logits, axis=1, kind="stable")
        base, teacher = (_ndcg(r, corpus, dev) for r in (rows, np.take_along_axis(rows, order, axis=1)))
        return cls(float(teacher.mean()), float(base.mean()), depth, compare(teacher, base))

    def told(self) -> dict[str, object]:
        """For ``metrics.json``."""
        return {**vars(self), "difference": self.difference.told()}

    def notices(self) -> list[str]:
        """A warning where the teacher orders dev worse."""
        found = self.difference
        if not found.mean < 0:
            return []
        doubt = "; inconclusive" if found.verdict == "inconclusive" else ""
        return [
            f"The teacher orders the {self.candidates} best documents of {found.n} dev queries worse than the base "
            f"model does: nDCG@10 {self.teacher:.3f} against {self.base:.3f}, {100 * found.mean:+.1f} points "
            f"(95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}{doubt}); give it more pairs or sources "
            "(teacher.max_pairs, teacher.sources), choose teacher=hub, or do without it by negatives=ann "
            "negatives.relative_margin=0.05."
        ]


def _ndcg(rows: np.ndarray, corpus: Corpus, dev: Judged) -> np.ndarray:
    """Float64 [n]: nDCG@10 of documents in the order they stand."""
    falling = np.broadcast_to(np.arange(rows.shape[1], 0, -1, dtype=np.float32), rows.shape)
    return per_query(Ranked(rows, falling), list(corpus.ids), dev)["ndcg@10"].to_numpy()
