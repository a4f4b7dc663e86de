"""``report.html``: one file that can be sent to somebody who will not read logs."""

from typing import Any

from jinja2 import Environment

from shoptalk.reporting.tables import ARMS, COLOURS, SPLITS, hidden, verdict

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ m.run }}</title>
<style>
 body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1f2933 }
 table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #e4e7eb }
 td:first-child, th:first-child, td.left, th.left { text-align: left } tr.adapted { font-weight: 600 }
 .verdict { font-size: 1.15rem; border-left: 4px solid #0b6e4f; padding: .4rem 1rem; background: #f0f7f4 } .note { color: #52606d }
</style></head><body>
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
<h2>What was read, what was left out, and why</h2>
<table><tr><th>where</th><th class="left">reason</th><th>count</th></tr>
{% for where, reason, count in counts %}<tr><td>{{ where }}</td><td class="left">{{ reason }}</td><td>{{ count }}</td></tr>{% endfor %}
</table>
{% if m.notices %}<h2>Notes</h2><ul>{% for notice in m.notices %}<li>{{ notice }}</li>{% endfor %}</ul>{% endif %}
</body></html>
"""


def report(metrics: dict[str, Any]) -> str:
    """The whole page, its script inlined, so that it opens anywhere."""
    splits = [s for s in SPLITS if s in metrics]
    counts = [("domain", reason, count) for reason, count in metrics["domain"].items()]
    counts += [(source, reason, n) for source, told in metrics["sources"].items() for reason, n in told.items()]
    counts += [("negatives", reason, count) for reason, count in metrics["negatives"]["dropped"].items()]
    return (
        Environment(autoescape=True)
        .from_string(TEMPLATE)
        .render(
            m=metrics,
            arms=ARMS,
            rows=[(split, arm, row) for split in splits for arm, row in metrics[split].items()],
            verdicts=[verdict(metrics, split) for split in splits],
            hidden=hidden(metrics["simulated"]) if "simulated" in metrics else None,
            counts=[(where, reason, _number(count)) for where, reason, count in counts],
            **_figures(metrics, splits),
        )
    )


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(round(value, 4) if isinstance(value, float) else value)


def _figures(metrics: dict[str, Any], splits: list[str]) -> dict[str, Any]:
    from markupsafe import Markup

    figures = {"scores": _scores(metrics, splits)} if splits else {}
    if splits and metrics["slices"].get(splits[-1]):
        figures["slices"] = _slices(metrics["slices"][splits[-1]], splits[-1])
    if metrics["dev_pool"]:
        figures["curve"] = _curve(metrics["dev_pool"])
    script: list[Any] = [True, False, False]
    return {
        name: Markup(figure.to_html(full_html=False, include_plotlyjs=script.pop(0), config={"displayModeBar": False}))
        for name, figure in figures.items()
    }


def _layout(figure: Any, height: int) -> Any:
    figure.update_layout(
        template="plotly_white", height=height, margin={"l": 10, "r": 10, "t": 30, "b": 10}, barmode="group"
    )
    return figure


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
    return _layout(go.Figure(bars).update_yaxes(title="nDCG@10", range=[0, 1]), 320)


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
    return _layout(go.Figure(bars).update_xaxes(title=f"nDCG@10 on {split}", range=[0, 1]), 90 + 55 * len(cells))


def _curve(points: dict[str, float]) -> Any:
    import plotly.graph_objects as go

    line = go.Scatter(
        x=[int(step) for step in points], y=list(points.values()), mode="lines+markers", marker_color=COLOURS["adapted"]
    )
    return _layout(go.Figure(line).update_xaxes(title="step").update_yaxes(title="nDCG@10 on the dev pool"), 280)
