"""The truth behind a simulated click log, as pairs: an upper bound, not a source of a real project."""

import polars as pl

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.sources.labels import judgments
from shoptalk.sources.pairs import Ground, Yielded, as_pairs


class IntentSource:
    """True pairs of the intent pool, which the simulated click log only shows through noise.

    An *oracle*: it measures how far perfect pairs would carry the model, so that what clicks reach can be
    read as a part of it. Real domains have no intents; nothing but a comparison should train on them.

    Args:
        pairs: how many pairs, the first by a hash of (seed, query, document); ``None`` for all.
    """

    def __init__(self, pairs: int | None = None):
        if pairs is not None and (isinstance(pairs, bool) or not isinstance(pairs, int) or pairs < 1):
            raise InputError(f"intents: pairs={pairs} is not possible; give a number of 1 or more, or null.")
        self.pairs = pairs

    def read(self, name: str, ground: Ground) -> Yielded:
        """The pairs, with the domain's ``query_kind``.

        Raises:
            InputError: the domain has no intents.
        """
        domain = ground.domain
        if domain.intents is None:
            raise InputError(
                f"{name}: the domain {domain.name} has no intents, only a simulated one has; "
                "choose data=labels, data=clicks, data=pairs or data=synthetic."
            )
        pool = judgments(domain.intents).filter(pl.col("grade") > 0)
        pool = pool.filter(pl.Series([d in domain.corpus.index for d in pool["doc_id"]], dtype=pl.Boolean))
        keys = [digest(ground.seed, query, doc_id) for query, doc_id in pool.select("query", "doc_id").iter_rows()]
        chosen = pool.with_columns(key=pl.Series(keys, dtype=pl.String)).sort("key").head(self.pairs or pool.height)
        notices = []
        if self.pairs and chosen.height < self.pairs:
            notices.append(f"{name}: {self.pairs:,} pairs asked, the intent pool has {chosen.height:,}.")
        counts = {"read": pool.height, "kept": chosen.height}
        return Yielded(as_pairs(chosen, name), counts=counts, notices=notices)
