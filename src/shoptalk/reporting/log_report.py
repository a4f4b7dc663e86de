"""``log_report.html``: what a click log can tell, for people who look before they train."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from jinja2 import Environment

from shoptalk.sources.clicks.curves import Curve
from shoptalk.sources.clicks.diagnosis import Diagnosis

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}: {{ log.source }}</title>
<style>
 body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1f2933 }
 table { border-collapse: collapse; margin: 1rem 0 }
 td, th { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #e4e7eb; vertical-align: top }
 td:first-child, th:first-child, td.left, th.left { text-align: left } tr.used { font-weight: 600 }
 .verdict { border-left: 4px solid #0b6e4f; padding: .4rem 1rem; background: #f0f7f4; margin: .5rem 0 }
 .simulated { border-color: #b44d12; background: #fdf3ec; font-weight: 600 }
 .note { color: #52606d } .yes { color: #0b6e4f } .no { color: #b44d12 } code { overflow-wrap: anywhere }
</style></head><body>
<h1>{{ title }} <code>{{ log.source }}</code></h1>
<p class="note"><code>{{ log.path }}</code>; level {{ log.level }}.</p>
{% for sentence in log.verdict %}
<p class="verdict {{ "simulated" if log.simulated and loop.first }}">{{ sentence }}</p>
{% endfor %}<h2>What the log tells</h2>
<table><tr><th>needs</th><th class="left">there</th><th class="left">allows, or lacks</th></tr>
{% for needs, there, allows in log.tells %}{% set word = "yes" if there else "no" %}
<tr><td>{{ needs }}</td><td class="left {{ word }}">{{ word }}</td><td class="left">{{ allows }}</td></tr>
{% endfor %}</table>
<h2>Clicks by rank</h2>
<p class="note">Clicks per impression with 95 % Wilson intervals. They fall for two reasons, which this figure cannot
tell apart: less examination, and worse documents.</p>
{{ ctr }}
<table><tr><th>rank</th><th>impressions</th><th>clicks</th><th>CTR</th><th>95 % interval</th></tr>
{% for row in log.ctr.iter_rows(named=True) %}<tr><td>{{ row.position }}</td><td>{{ row.impressions|count }}</td>
<td>{{ row.clicks|count }}</td><td>{{ row.ctr|share }}</td><td>{{ row.low|share }} – {{ row.high|share }}</td></tr>
{% endfor %}</table>
<h2>Examination by rank</h2>
<p class="note">Chance of examination, relative to rank 1. Bands are 95 % intervals from a bootstrap over
queries{% if log.queries < log.all_queries %}: each round draws {{ log.queries|count }} of the
{{ log.all_queries|count }} queries, and the errors are scaled to all of them{% endif %}. The pairs were chosen with
<b>{{ log.used }}</b>; dashed curves are assumed, not estimated.</p>
{% if examination %}{{ examination }}{% endif %}
<table><tr><th>estimator</th><th class="left">examination by rank, or why it refuses</th><th>rounds</th></tr>
{% for curve in log.curves %}<tr{% if curve.name == log.used %} class="used"{% endif %}><td>{{ curve.name }}</td>
<td class="left">{{ curve|told }}</td><td>{{ curve.rounds or "" }}</td></tr>
{% endfor %}</table>
<h2>Rows removed, by rule</h2>
{% if removed %}{{ removed }}{% endif %}
<table><tr><th>rule</th><th>rows</th><th>share</th></tr>
{% for rule, count in log.rules.items() %}<tr><td>{{ rule }}</td><td>{{ count|count }}</td>
<td>{{ (count / log.removed["rows"])|share }}</td></tr>
{% endfor %}<tr class="used"><td>votes left</td><td>{{ log.removed["votes"]|count }}</td>
<td>{{ (log.removed["votes"] / log.removed["rows"])|share }}</td></tr></table>
<h2>How much is known of a query and of a pair</h2>
{{ support }}
<h2>Pairs kept and left out</h2>
{{ chosen }}
<table><tr><th>pairs</th><th>count</th></tr>
{% for reason, count in log.chosen.items() %}<tr><td>{{ reason }}</td><td>{{ count|count }}</td></tr>
{% endfor %}</table>
<h2>Purity</h2>
{% if log.purity %}<p class="note">Pairs about the {{ log.judged_queries|count }} queries of this log that the
train and calibration judgments know; a document without a grade counts as not relevant. Judgments of dev, test and
audit are not looked at.</p>
<table><tr><th>pairs</th><th>on judged queries</th><th>relevant</th><th>share</th><th>95 % interval</th></tr>
{% for name, found in log.purity.items() %}<tr><td>{{ name }}</td><td>{{ found.pairs|count }}</td>
<td>{{ found.pure|count }}</td><td>{{ found.share|share }}</td>
<td>{{ found.ci95[0]|share }} – {{ found.ci95[1]|share }}</td></tr>
{% endfor %}</table>{% else %}<p class="note">No query of this log is judged in train or calibration.</p>{% endif %}
<h2>Counts</h2>
<table><tr><th>what</th><th>count</th></tr>
{% for name, value in counts.items() %}<tr><td>{{ name }}</td><td>{{ value|count }}</td></tr>
{% endfor %}</table>
</body></html>
"""

_COLOURS = ("#0b6e4f", "#5b8def", "#b44d12", "#8250a8", "#c9a227", "#52606d")
_GREY = "#9aa5b1"


def log_report(diagnosis: Diagnosis) -> str:
    """The whole page, its script inlined, so that it opens anywhere."""
    page = Environment(autoescape=True)
    page.filters |= {"count": _count, "share": _share, "told": _told}
    title = "Simulated click log" if diagnosis.simulated else "Click log"
    figures = _figures(diagnosis)
    return page.from_string(TEMPLATE).render(log=diagnosis, title=title, counts=_counts(diagnosis), **figures)


def wandb_payload(diagnosis: Diagnosis) -> dict[str, float]:
    """Flat numbers to track; what is not known (no pair judged, an estimator that refuses) is left out."""
    found = {f"removed/{rule}": n / diagnosis.removed["rows"] for rule, n in diagnosis.rules.items()}
    for position, ctr in diagnosis.ctr.select("position", "ctr").iter_rows():
        found[f"ctr/rank_{position}"] = ctr
    for curve in diagnosis.curves:
        found |= {f"theta/{curve.name}/rank_{k}": theta for k, theta in enumerate(curve.theta, 1)}
    for name, purity in (diagnosis.purity or {}).items():
        found[f"purity/{name.replace(' ', '_')}"] = purity.share
    found |= {"clicks": diagnosis.clicks, "effective_clicks": diagnosis.effective_clicks}
    found["pairs"] = diagnosis.chosen["kept"]
    return {f"log/{name}": float(value) for name, value in found.items() if isfinite(value)}


def _counts(log: Diagnosis) -> dict[str, float]:
    own = {"rows": log.removed["rows"], "votes": log.removed["votes"], "queries": log.all_queries}
    return own | {"clicks": log.clicks, "effective_clicks": log.effective_clicks} | dict(log.counts)


def _count(value: float) -> str:
    """Whole where it is whole; doubtful clicks count in fractions."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if isfinite(value) else "–"


def _told(curve: Curve) -> str:
    if curve.refused is not None:
        return curve.refused
    return ("assumed: " if curve.assumed else "") + " · ".join(f"{theta:.2g}" for theta in curve.theta)


def _figures(log: Diagnosis) -> dict[str, Any]:
    from markupsafe import Markup

    drawers: dict[str, Callable[[Diagnosis], Any]] = {"ctr": _ctr, "support": _support, "chosen": _chosen}
    if any(curve.theta for curve in log.curves):
        drawers["examination"] = _examination
    if log.rules:
        drawers["removed"] = _removed
    # The page shows the figure of clicks first, so that one brings the script.
    return {
        name: Markup(draw(log).to_html(full_html=False, include_plotlyjs=name == "ctr", config=_CONFIG))
        for name, draw in drawers.items()
    }


_CONFIG = {"displayModeBar": False}


def _layout(figure: Any, height: int) -> Any:
    margin = {"l": 10, "r": 10, "t": 40, "b": 10}
    return figure.update_layout(template="plotly_white", height=height, margin=margin)


def _ctr(log: Diagnosis) -> Any:
    import plotly.graph_objects as go

    table = log.ctr
    rates = table["ctr"]
    error = {"array": table["high"] - rates, "arrayminus": rates - table["low"], "color": _GREY}
    line = go.Scatter(x=table["position"], y=rates, error_y=error, mode="lines+markers", marker_color=_COLOURS[0])
    figure = go.Figure(line).update_yaxes(title="clicks per impression", rangemode="tozero", tickformat=".0%")
    return _layout(figure.update_xaxes(title="rank", dtick=_step(table.height)), 300)


def _examination(log: Diagnosis) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure()
    known = [curve for curve in log.curves if curve.theta]
    for number, curve in enumerate(known):
        colour = _COLOURS[number % len(_COLOURS)]
        ranks = list(range(1, len(curve.theta) + 1))
        if curve.bounded:
            inside = [k for k in ranks if isfinite(curve.low[k - 1])]
            edge = [curve.high[k - 1] for k in inside] + [curve.low[k - 1] for k in reversed(inside)]
            figure.add_scatter(
                x=inside + inside[::-1], y=edge, fill="toself", fillcolor=colour, opacity=0.18, mode="none",
                legendgroup=str(number), showlegend=False, hoverinfo="skip",
            )  # fmt: skip
        line = {"color": colour, "width": 3 if curve.name == log.used else 1.5, "dash": "dash" * curve.assumed or None}
        figure.add_scatter(
            x=ranks, y=curve.theta, name=curve.name, mode="lines+markers", line=line, legendgroup=str(number)
        )
    scales = [
        {"label": f"{scale} scale", "method": "relayout", "args": [{"yaxis.type": scale}]}
        for scale in ("linear", "log")
    ]
    menu = {"type": "buttons", "direction": "right", "buttons": scales, "x": 1, "xanchor": "right", "y": 1.15}
    figure.update_layout(updatemenus=[menu], legend={"orientation": "h", "y": 1.12}, showlegend=True)
    figure.update_yaxes(title="examination relative to rank 1")
    return _layout(figure.update_xaxes(title="rank", dtick=_step(max(len(c.theta) for c in known))), 380)


def _step(ranks: int) -> int:
    """Distance between ticks, so that at most some twenty stand in a line."""
    return 1 + ranks // 20


def _removed(log: Diagnosis) -> Any:
    return _bars(log.rules, "rows removed")


def _chosen(log: Diagnosis) -> Any:
    return _bars(log.chosen, "pairs", first=_COLOURS[0])


def _bars(counts: Any, title: str, first: str = _GREY) -> Any:
    """One bar per entry from top to bottom, the ``first`` of a colour of its own."""
    import plotly.graph_objects as go

    colours = [first, *[_GREY] * (len(counts) - 1)]
    bars = go.Bar(
        y=list(counts),
        x=list(counts.values()),
        orientation="h",
        marker_color=colours,
        text=[f"{n:,}" for n in counts.values()],
    )
    figure = go.Figure(bars).update_yaxes(autorange="reversed").update_xaxes(title=title)
    return _layout(figure, 110 + 28 * len(counts))


def _support(log: Diagnosis) -> Any:
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=len(log.support), subplot_titles=list(log.support))
    for column, table in enumerate(log.support.values(), 1):
        names = [str(low) if low == high else f"{low:,}–{high:,}" for low, high, _ in table.iter_rows()]
        figure.add_bar(x=names, y=table["count"], marker_color=_COLOURS[1], row=1, col=column)
    return _layout(figure.update_layout(showlegend=False, bargap=0.05), 300)
