"""Documents that say the same of another number: the 4th and the 5th finger, a 5/16-18 and a 5/16-24 screw."""

from collections.abc import Callable, Sequence

import numpy as np

from shoptalk.errors import InputError
from shoptalk.negatives.mined import Mine
from shoptalk.negatives.miner import Mining
from shoptalk.negatives.offers import Offer, inner, together
from shoptalk.negatives.places import placed
from shoptalk.negatives.searching import own_scores, scores_of
from shoptalk.negatives.strategies import Ann
from shoptalk.negatives.twinning import TwinIndex
from shoptalk.retrieval.ranked import Ranked


class Twins(Mining):
    """Twins of the pair's document first, then what another strategy finds.

    Twins have nearly the words of the document's title (its text where it has no title), and other codes: numbers,
    ordinals, fractions, part numbers, units; see ``shoptalk.negatives.codes``. They rank by the number of codes that
    differ, then by the overlap of their words, then by the base model's score for the query, which is also their
    score in the table, so that these scores need not fall from rank to rank. Knobs of ``Mining`` apply to the
    twins, ``low`` and ``high`` to their ranks; most documents have none.

    Args:
        overlap: least Jaccard similarity of the words, as multisets, in (0, 1]; 1.0 takes none but the same words.
        rest: strategy for the places that no twin takes, with its own knobs; ``Ann`` unless given.
        mining: the arguments of ``Mining``.
    """

    name = "twins"

    def __init__(self, overlap: float = 0.7, rest: Callable | None = None, **mining):
        super().__init__(**mining)
        if not 0 < overlap <= 1:
            raise InputError(f"negatives.overlap={overlap} must be above 0 and at most 1.")
        self.overlap = overlap
        self.rest = inner(rest or Ann, self.knobs.keep, "negatives.rest")
        self.window = self.rest.window

    def offer(self, ask: Mine) -> Offer:
        """Twins as picked, then the rest's candidates as picked."""
        own, rest = super().offer(ask), self.rest.offer(ask)
        places = placed(own.places, np.ones(own.places.shape, bool), rest.places)
        there = own.places["row"] >= 0
        pairs, count = int(there.any(axis=1).sum()), int(there.sum())
        told = f"Pairs with twins: {pairs:,} of {len(there):,}; twins took {count:,} places."
        return together(places, [own, rest], [*own.notices, *rest.notices, told])

    def further(self, ask: Mine, ranks: int) -> Mining | None:
        """That of the rest."""
        return self.rest.further(ask, ranks)

    def ranked(self, ask: Mine) -> tuple[Ranked, np.ndarray, Sequence[str]]:
        """Up to ``high`` twins per pair; where there are more than twice as many, the most alike are looked at."""
        titles = [title or text for title, text in zip(ask.corpus.titles, ask.corpus.texts, strict=True)]
        index, most = TwinIndex(titles, self.overlap), 2 * self.knobs.high
        own = [ask.corpus.index.get(doc_id, -1) for doc_id in ask.pairs["doc_id"]]
        twins = {row: index.of(row, most) for row in dict.fromkeys(own)}
        rows, differ, similar = (
            _padded([twins[row][part] for row in own], empty) for part, empty in enumerate((-1, np.inf, 0.0))
        )
        line, column = np.nonzero(rows >= 0)
        scores = np.full(rows.shape, -np.inf, np.float32)
        scores[line, column] = scores_of(ask, ask.dense, line, rows[line, column])
        order = np.lexsort((rows, -scores, -similar, differ), axis=1)[:, : self.knobs.high]
        best = Ranked(np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1))
        many = sum(twins[row][3] > most for row in own)
        said = f"{many:,} pairs have more than {most:,} twins; the most alike of them were looked at."
        return best, own_scores(ask, ask.dense), [said] * (many > 0)


def _padded(lines: Sequence[np.ndarray], empty: float) -> np.ndarray:
    """[n, longest]: the lines, filled up with ``empty``."""
    wide = np.full((len(lines), max(map(len, lines), default=0)), empty)
    for line, values in zip(wide, lines, strict=True):
        line[: len(values)] = values
    return wide
