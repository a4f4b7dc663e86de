"""Click logs read in tests, with plain settings where nothing else is said."""

from shoptalk.sources.clicks.cleaning import Cleaning
from shoptalk.sources.clicks.counting import Reading
from shoptalk.sources.clicks.engine import DuckDB
from shoptalk.sources.clicks.propensity.given import Given
from shoptalk.sources.clicks.relevance import GammaLowerBound
from shoptalk.sources.clicks.selection import ClippedRate, Selection, Support
from shoptalk.sources.clicks.signals import Dwell, Signals
from shoptalk.sources.clicks.statistics import LogFiles, statistics

DWELL = {"dwell": Dwell(min_s=30)}


def reading(signals=DWELL, **options):
    """One vote a day, no anonymity unless asked; options of ``Cleaning`` and ``Reading``."""
    of_reading = {k: options.pop(k) for k in list(options) if k in Reading.__dataclass_fields__}
    cleaning = Cleaning(**({"min_query_users": 1} | options))
    return Reading(**({"cleaning": cleaning, "signals": Signals(dict(signals))} | of_reading))


def counted(path, corpus, cache, engine=None, shift=0, told=None, **options):
    """The statistics of a log in the one schema."""
    paths = list(path) if isinstance(path, list | tuple) else [path]
    log = LogFiles(paths[0], paths, shift, told)
    return statistics(log, corpus, reading(**options), engine or DuckDB(threads=1), cache)


def click_source(log=None, **changed):
    """A source that keeps every clicked pair."""
    from shoptalk.sources.clicks.adapters.rows import Rows
    from shoptalk.sources.clicks.source import ClickSource

    parts = {
        "log_format": Rows(),
        "position_base": 1,
        "cleaning": Cleaning(fold=4, max_session_searches=5, min_query_users=1),
        "signals": DWELL,
        "engine": DuckDB(threads=1),
        "propensity": Given(),
        "relevance": GammaLowerBound(),
        "support": Support(impressions=0, clickers=0, examinations=0),
        "selection": Selection(min_score=None),
        "weight": ClippedRate(spread=3),
    }
    return ClickSource(log=None if log is None else str(log), **(parts | changed))
