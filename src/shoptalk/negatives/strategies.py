"""Where negatives come from: the batch alone, chance, BM25, or the base model's own neighbours."""

from dataclasses import replace

from shoptalk.negatives.barred import Barred, fill
from shoptalk.negatives.draws import pair_keys
from shoptalk.negatives.fallbacks import too_few
from shoptalk.negatives.mined import Mine, Mined, Search
from shoptalk.negatives.miner import check_counts
from shoptalk.negatives.offers import Offer, finished
from shoptalk.negatives.places import blank
from shoptalk.negatives.searching import Searching


class InBatch:
    """No mined negatives: the batch's other documents are all there is."""

    per_pair = 0
    window = None

    def mine(self, ask: Mine) -> Mined:
        """An empty list for every pair."""
        return finished(ask, Offer(blank(ask.pairs.height, 0)))


class Random:
    """Documents drawn from the whole corpus, known positives left out.

    Args:
        keep: negatives stored per pair.
        per_pair: negatives that go into a batch with each pair; at most ``keep``.
    """

    name = "random"
    window = None

    def __init__(self, keep: int = 4, per_pair: int = 1):
        self.keep, self.per_pair = check_counts(keep, per_pair)

    def mine(self, ask: Mine) -> Mined:
        """``keep`` random documents per pair, as a function of (seed, pair)."""
        offer = self.offer(ask)
        return finished(ask, replace(offer, notices=too_few(int((offer.places["row"] < 0).sum()))))

    def offer(self, ask: Mine) -> Offer:
        """Places stay empty only where the corpus has too few documents."""
        keys = pair_keys(ask.pairs["query"], ask.pairs["doc_id"], ask.seed)
        places = blank(len(keys), self.keep)
        places["row"], _ = fill(places["row"], Barred(ask.pairs, ask.corpus, ask.known), keys)
        places["miner"][places["row"] >= 0] = self.name
        return Offer(places)

    def further(self, ask: Mine, ranks: int) -> None:
        """Chance ranks nothing."""
        return None


class Bm25(Searching):
    """The best of BM25 that are not known positives."""

    name = "bm25"

    def searcher(self, ask: Mine) -> Search:
        """BM25 over the corpus."""
        return ask.bm25


class Ann(Searching):
    """The base model's nearest documents that are not known positives."""

    name = "ann"

    def searcher(self, ask: Mine) -> Search:
        """The base model's embeddings."""
        return ask.dense
