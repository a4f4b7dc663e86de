"""``report.html``: one file that can be sent to somebody who will not read logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from shoptalk.reporting import synthetic_report, teacher_report
from shoptalk.reporting.negatives import Negatives
from shoptalk.reporting.negatives_figures import figures as negatives_figures
from shoptalk.reporting.negatives_page import section
from shoptalk.reporting.pages import facts, figures, origins, queries, slices, verdicts
from shoptalk.reporting.pages.frame import LIMIT, Section, page, rendered
from shoptalk.reporting.plots import drawn
from shoptalk.reporting.tables import ARMS

REFRESHES = """{% if refreshes %}<h3>Mined anew while training</h3><p class="note">The figures above are of the first
negatives; before these steps those of the pairs still to come were mined again with the model as it stood.</p>
<table><tr><th>step</th><th>pairs</th><th>negatives changed</th></tr>
{% for line in refreshes %}<tr><td>{{ line.step }}</td><td>{{ line.pairs }}</td>
<td>{{ "%.1f %%"|format(100 * line.changed) }}</td></tr>
{% endfor %}</table>{% endif %}"""


@dataclass(frozen=True)
class Evidence:
    """What a run's page shows beyond its ``metrics.json``.

    Attributes:
        per_query: ``comparing.scored``'s table.
        ranked: ``comparing.shown``'s table.
        config: the resolved config.
    """

    per_query: pl.DataFrame
    ranked: pl.DataFrame
    config: Mapping[str, Any]


def report(metrics: dict[str, Any], negatives: Negatives, evidence: Evidence | None = None) -> str:
    """The whole page, its script inlined, so that it opens anywhere; below ``LIMIT`` bytes.

    Args:
        evidence: ``None`` leaves out queries and config.
    """
    told = _drawn(metrics, negatives, evidence)
    rest = [
        Section("slices", "Slices", slices.section(metrics["slices"], told, ARMS, "adapted", ARMS["zero_shot"])),
        Section("data", "Data", origins.mixture(metrics)),
        Section("synthetic", "Synthetic queries", synthetic_report.section(metrics.get("synthetic", {}), told)),
        Section("negatives", "Negatives", _negatives(metrics, negatives, told)),
        Section("teacher", "Teacher", teacher_report.section(metrics.get("teacher", {}), told)),
        Section("counts", "What was left out", origins.counts(metrics)),
    ]
    if evidence:
        rest.append(Section("config", "Environment and config", facts.section(metrics, evidence.config)))
    first = [
        Section("trust", "How far to trust this", verdicts.section(metrics)),
        Section("scores", "Scores", figures.section(metrics, told)),
    ]
    whole = _page(metrics, [*first, *rest])
    if evidence is None:
        return whole
    room = LIMIT - len(whole.encode())
    return _page(metrics, [*first, Section("queries", "Queries", _queries(evidence, room)), *rest])


def _page(metrics: dict[str, Any], sections: list[Section]) -> str:
    subtitle = (
        f"Corpus {metrics['corpus']}, {metrics['documents']:,} documents; seed {metrics['seed']}; "
        f"{metrics['steps']} steps; {metrics['seconds']['total']:.0f} s"
        f"{'; the click log is simulated' if 'simulated' in metrics else ''}."
    )
    return page(metrics["run"], subtitle, verdicts.head(metrics), sections)


def _drawn(metrics: dict[str, Any], negatives: Negatives, evidence: Evidence | None) -> dict[str, Any]:
    """Name to markup of every figure, in the order of the page: the first brings the script that all share."""
    found = {
        **figures.figures(metrics, evidence.per_query if evidence else None),
        **slices.figures(metrics["slices"], ARMS["zero_shot"]),
        **synthetic_report.figures(metrics.get("synthetic", {})),
        **negatives_figures(negatives),
        **teacher_report.figures(metrics.get("teacher", {})),
    }
    return drawn(found)


def _negatives(metrics: dict[str, Any], negatives: Negatives, told: Mapping[str, Any]) -> Any:
    return section(negatives, told) + rendered(REFRESHES, refreshes=metrics["negatives"].get("refreshes"))


def _queries(evidence: Evidence, room: int) -> Any:
    browsed = evidence.per_query.filter(pl.col("split").is_in(queries.BROWSED))
    return queries.section(browsed, evidence.ranked, ARMS, "zero_shot", "adapted", room - queries.OVERHEAD)
