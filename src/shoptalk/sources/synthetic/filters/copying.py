"""Queries that repeat their document instead of asking for it."""

from difflib import SequenceMatcher

import numpy as np
import polars as pl

from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.filters.base import count, share
from shoptalk.sources.synthetic.phrases import subjects


class CopyOverlap:
    """Queries that are for the most part one run of words copied from their document.

    Compared are content words in their order, from the title or from the text, without regard to case; function
    words are left out on both sides, since they come in the same order anywhere. A run tells copying from the use of
    a document's words, which every good query makes: the words of a title in another order hold no long run. Such
    queries teach a model to match strings, which it can; InPars drops them too (Bonifacio et al. 2022).

    Args:
        words: least number of content words in a row.
        share_of_query: share of the query's content words that they must make up, in (0, 1].
    """

    reason = "copies its document"

    def __init__(self, words: int = 8, share_of_query: float = 0.8):
        self.words = count("copy_overlap.words", words)
        self.share = share("copy_overlap.share_of_query", share_of_query)

    def drops(self, written: pl.DataFrame, ground: Ground) -> np.ndarray:
        """A long run of the document, and little else."""
        corpus = ground.domain.corpus
        dropped = np.zeros(written.height, dtype=bool)
        for (row,), lines in written.with_row_index("line").group_by("row"):
            for field in (corpus.titles[row], corpus.texts[row]):
                matcher = SequenceMatcher(None, b=subjects(field), autojunk=False)
                for line, query in lines.select("line", "query").iter_rows():
                    tokens = subjects(query)
                    matcher.set_seq1(tokens)
                    run = matcher.find_longest_match().size
                    dropped[line] |= run >= max(self.words, self.share * len(tokens))
        return dropped
