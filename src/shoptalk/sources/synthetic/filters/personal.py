"""Queries with personal data in them."""

from collections.abc import Sequence

import polars as pl

from shoptalk.errors import InputError
from shoptalk.sources.clicks.privacy import Privacy
from shoptalk.sources.pairs import Ground
from shoptalk.sources.synthetic.filters.base import Telling


class PersonalData(Telling):
    """Queries that hold what counts as personal data in a click log, by the same rules.

    They are dropped, not redacted: nobody asked them, and a document's address or number leads a model to nothing.

    Args:
        patterns, national_ids: kinds, as of ``Privacy``.

    Raises:
        InputError: a kind is not known.
    """

    reason = "personal data"

    def __init__(
        self,
        patterns: Sequence[str] = ("email", "phone", "card", "iban", "ip"),
        national_ids: Sequence[str] = (),
    ):
        try:
            self.privacy = Privacy(patterns, national_ids)
        except InputError as error:
            raise InputError(str(error).replace("privacy.", "filters.personal_data.", 1)) from error

    def faults(self, written: pl.DataFrame, ground: Ground) -> Sequence[str | None]:
        """The first kind found."""
        return [next(iter(self.privacy.redact(query)[1]), None) for query in written["query"]]
