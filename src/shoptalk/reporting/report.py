"""``report.html``: one file that can be sent to somebody who will not read logs."""

from typing import Any

from jinja2 import Environment

from shoptalk.reporting import synthetic_report, teacher_report
from shoptalk.reporting.negatives import Negatives
from shoptalk.reporting.negatives_figures import figures as negatives_figures
from shoptalk.reporting.negatives_page import section
from shoptalk.reporting.plots import drawn, laid_out
from shoptalk.reporting.style import HEAD
from shoptalk.reporting.tables import ARMS, COLOURS, SPLITS, hidden, verdict

TEMPLATE = (
    HEAD
    + """</style></head><body>
<h1>{{ m.run }}</h1>
<p class="note">Corpus {{ m.corpus }}, {{ "{:,}".format(m.documents) }} documents; seed {{ m.seed }}; {{ m.steps }} steps; {{ "%.0f"|format(m.seconds.total) }} s.</p>
{% for sentence in verdicts %}<p class="verdict">{{ sentence }}</p>{% endfor %}
{% if hidden %}<p class="note">{{ hidden }}</p>{% endif %}
{{ scores }}
<table><tr><th>split</th><th class="left">retriever</th><th>nDCG@10</th><th>recall@100</th><th>MRR@10</th></tr>
{% for split, arm, row in rows %}<tr class="{{ arm }}"><td>{{ split }}</td><td class="left">{{ arms[arm] }}</td>
<td>{{ "%.3f"|format(row["ndcg@10"]) }}</td><td>{{ "%.3f"|format(row["recall@100"]) }}</td><td>{{ "%.3f"|format(row["mrr@10"]) }}</td></tr>{% endfor %}
</table>
{% if slices %}<h2>Slices</h2>{{ slices }}{% endif %}
{% if curve %}<h2>dev pool while training</h2>{{ curve }}{% endif %}
<h2>Mixture</h2>
<table><tr><th>source</th><th>pairs</th><th>asked</th><th>drawn</th><th>share of loss</th></tr>
{% for s in m.mixing.asked %}<tr><td>{{ s }}</td><td>{{ m.mixing.pairs.get(s, 0) }}</td>{% for key in ("asked", "drawn", "share_of_loss") %}<td>{{ "%.1f%%"|format(100 * m.mixing[key].get(s, 0)) }}</td>{% endfor %}</tr>{% endfor %}
</table>
{% if m.mixing.stages %}<p class="note">Share of each source in each tenth of the stream: asked, drawn, of the loss.</p>
<table><tr><th>until</th>{% for s in m.mixing.asked %}<th>{{ s }}</th>{% endfor %}</tr>
{% for stage in m.mixing.stages %}<tr><td>{{ "%.0f%%"|format(100 * stage.until) }}</td>
{% for s in m.mixing.asked %}<td>{% for key in ("asked", "drawn", "share_of_loss") %}{{ "%.1f%%"|format(100 * stage[key][s]) }}{{ ", " if not loop.last }}{% endfor %}</td>{% endfor %}</tr>
{% endfor %}</table>{% endif %}
{{ synthetic }}
{{ negatives }}
{% if m.negatives.refreshes %}<h3>Mined anew while training</h3><p class="note">The figures above are of the first
negatives; before these steps those of the pairs still to come were mined again with the model as it stood.</p>
<table><tr><th>step</th><th>pairs</th><th>negatives changed</th></tr>
{% for line in m.negatives.refreshes %}<tr><td>{{ line.step }}</td><td>{{ line.pairs }}</td>
<td>{{ "%.1f %%"|format(100 * line.changed) }}</td></tr>
{% endfor %}</table>{% endif %}
{{ teacher }}
<h2>What was read, what was left out, and why</h2>
<table><tr><th>where</th><th class="left">reason</th><th>count</th></tr>
{% for where, reason, count in counts %}<tr><td>{{ where }}</td><td class="left">{{ reason }}</td><td>{{ count }}</td></tr>{% endfor %}
</table>
{% if m.notices %}<h2>Notes</h2><ul>{% for notice in m.notices %}<li>{{ notice }}</li>{% endfor %}</ul>{% endif %}
</body></html>
"""
)


def report(metrics: dict[str, Any], negatives: Negatives) -> str:
    """The whole page, its script inlined, so that it opens anywhere."""
    splits = [s for s in SPLITS if s in metrics]
    counts = [("domain", reason, count) for reason, count in metrics["domain"].items()]
    counts += [(source, reason, n) for source, told in metrics["sources"].items() for reason, n in told.items()]
    counts += [("negatives", reason, count) for reason, count in metrics["negatives"]["dropped"].items()]
    own = _figures(metrics, splits)
    teacher, written = metrics.get("teacher", {}), metrics.get("synthetic", {})
    others = {**negatives_figures(negatives), **teacher_report.figures(teacher), **synthetic_report.figures(written)}
    figures = drawn({**own, **others})
    return (
        Environment(autoescape=True)
        .from_string(TEMPLATE)
        .render(
            title=metrics["run"],
            m=metrics,
            arms=ARMS,
            rows=[(split, arm, row) for split in splits for arm, row in metrics[split].items()],
            verdicts=[verdict(metrics, split) for split in splits],
            hidden=hidden(metrics["simulated"]) if "simulated" in metrics else None,
            counts=[(where, reason, _number(count)) for where, reason, count in counts],
            negatives=section(negatives, figures),
            teacher=teacher_report.section(teacher, figures),
            synthetic=synthetic_report.section(written, figures),
            **{name: figure for name, figure in figures.items() if name in own},
        )
    )


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(round(value, 4) if isinstance(value, float) else value)


def _figures(metrics: dict[str, Any], splits: list[str]) -> dict[str, Any]:
    """Name to figure, in the order of the page."""
    figures = {"scores": _scores(metrics, splits)} if splits else {}
    if splits and metrics["slices"].get(splits[-1]):
        figures["slices"] = _slices(metrics["slices"][splits[-1]], splits[-1])
    if metrics["dev_pool"]:
        figures["curve"] = _curve(metrics["dev_pool"])
    return figures


def _scores(metrics: dict[str, Any], splits: list[str]) -> Any:
    import plotly.graph_objects as go

    bars = [
        go.Bar(
            name=title,
            x=splits,
            y=[metrics[s][arm]["ndcg@10"] for s in splits],
            marker_color=COLOURS[arm],
            texttemplate="%{y:.3f}",
        )
        for arm, title in ARMS.items()
    ]
    return laid_out(go.Figure(bars).update_yaxes(title="nDCG@10", range=[0, 1]), 320)


def _slices(slices: dict[str, Any], split: str) -> Any:
    import plotly.graph_objects as go

    cells = [
        (f"{column}: {value} (n={told['n']})", told)
        for column, values in slices.items()
        for value, told in values.items()
    ]
    names = [name for name, _ in reversed(cells)]
    bars = [
        go.Bar(
            name=title,
            y=names,
            x=[told.get(arm) for _, told in reversed(cells)],
            orientation="h",
            marker_color=COLOURS[arm],
        )
        for arm, title in reversed(ARMS.items())
    ]
    return laid_out(go.Figure(bars).update_xaxes(title=f"nDCG@10 on {split}", range=[0, 1]), 90 + 55 * len(cells))


def _curve(points: dict[str, float]) -> Any:
    import plotly.graph_objects as go

    line = go.Scatter(
        x=[int(step) for step in points], y=list(points.values()), mode="lines+markers", marker_color=COLOURS["adapted"]
    )
    return laid_out(go.Figure(line).update_xaxes(title="step").update_yaxes(title="nDCG@10 on the dev pool"), 280)
