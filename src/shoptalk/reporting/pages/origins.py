"""Where the training data comes from: how many pairs of which source, and what was dropped why."""

from collections.abc import Mapping
from typing import Any

from shoptalk.reporting.pages.frame import rendered

TEMPLATE = """<h2>Where the data comes from</h2>
<table><tr><th>source</th><th>pairs</th><th>asked</th><th>drawn</th><th>share of loss</th></tr>
{% for s in mixing.asked %}<tr><td>{{ s }}</td><td>{{ mixing.pairs.get(s, 0)|count }}</td>
{% for key in ("asked", "drawn", "share_of_loss") %}<td>{{ mixing[key].get(s, 0)|share }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% if mixing.stages %}<p class="note">Share of each source in each tenth of the stream: asked, drawn, of the loss.</p>
<table><tr><th>until</th>{% for s in mixing.asked %}<th>{{ s }}</th>{% endfor %}</tr>
{% for stage in mixing.stages %}<tr><td>{{ "%.0f%%"|format(100 * stage.until) }}</td>
{% for s in mixing.asked %}<td>{% for key in ("asked", "drawn", "share_of_loss") %}{{ stage[key][s]|share }}
{{- ", " if not loop.last }}{% endfor %}</td>{% endfor %}</tr>
{% endfor %}</table>{% endif %}"""

COUNTS = """<h2>What was read, what was left out, and why</h2>
<table class="sortable"><thead><tr><th>where</th><th class="left">what</th><th>count</th></tr></thead><tbody>
{% for where, reason, value in counts %}<tr><td>{{ where }}</td><td class="left">{{ reason }}</td>
<td>{{ value }}</td></tr>
{% endfor %}</tbody></table>
{% if notices %}<h2>Notes</h2><ul>{% for notice in notices %}<li>{{ notice }}</li>{% endfor %}</ul>{% endif %}"""


def mixture(metrics: Mapping[str, Any]) -> Any:
    """Markup: pairs by source, and how often each was drawn."""
    return rendered(TEMPLATE, {"share": lambda value: f"{100 * value:.1f}%"}, mixing=metrics["mixing"])


def counts(metrics: Mapping[str, Any]) -> Any:
    """Markup: every count of domain, sources and negatives, and the run's notes."""
    told = [("domain", reason, count) for reason, count in metrics["domain"].items()]
    told += [(source, reason, n) for source, parts in metrics["sources"].items() for reason, n in parts.items()]
    told += [("negatives", reason, count) for reason, count in metrics["negatives"]["dropped"].items()]
    rows = [(where, reason.replace("_", " "), _number(count)) for where, reason, count in told]
    return rendered(COUNTS, counts=rows, notices=metrics["notices"])


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(round(value, 4) if isinstance(value, float) else value)
