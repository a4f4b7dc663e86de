"""Which written queries are kept: each filter is a class, counts what it drops, and can be switched off."""

from shoptalk.sources.synthetic.filters.answers import NoQuery
from shoptalk.sources.synthetic.filters.base import Filter, Telling, reasons
from shoptalk.sources.synthetic.filters.copying import CopyOverlap
from shoptalk.sources.synthetic.filters.duplicates import AcrossDocuments, NearDuplicate
from shoptalk.sources.synthetic.filters.foreign import OtherLanguage
from shoptalk.sources.synthetic.filters.instructed import Instructed
from shoptalk.sources.synthetic.filters.judged import CrossEncoder
from shoptalk.sources.synthetic.filters.personal import PersonalData
from shoptalk.sources.synthetic.filters.retrieved import NearTied, RoundTrip
from shoptalk.sources.synthetic.filters.wording import CopiesTitle, Generic, Length, Repeated

__all__ = [
    "AcrossDocuments",
    "CopiesTitle",
    "CopyOverlap",
    "CrossEncoder",
    "Filter",
    "Generic",
    "Instructed",
    "Length",
    "NearDuplicate",
    "NearTied",
    "NoQuery",
    "OtherLanguage",
    "PersonalData",
    "Repeated",
    "RoundTrip",
    "Telling",
    "reasons",
]
