"""The figures that stand below the verdict."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from shoptalk.comparing import values
from shoptalk.reporting.pages.frame import rendered
from shoptalk.reporting.plots import laid_out
from shoptalk.reporting.tables import ARMS, COLOURS, SPLITS
from shoptalk.retrieval.power import curve
from shoptalk.shipping import BASELINES

GREY = "#9aa5b1"
MOST = 500
"""Points of the curve of changes."""

TEMPLATE = """{% if drawn.scores %}<h2>Scores</h2>{{ drawn.scores }}
<table><tr><th>split</th><th class="left">retriever</th><th>nDCG@10</th><th>recall@100</th><th>MRR@10</th>
<th>judged@10</th></tr>
{% for split, arm, row, share in rows %}<tr class="{{ arm }}"><td>{{ split }}</td><td class="left">{{ arms[arm] }}</td>
<td>{{ row["ndcg@10"]|score }}</td><td>{{ row["recall@100"]|score }}</td><td>{{ row["mrr@10"]|score }}</td>
<td>{% if share is not none %}{{ share|score }}{% endif %}</td></tr>
{% endfor %}</table>
{% endif %}{% if drawn.changes %}<h3>Change by query</h3><p class="note">Every {{ split }} query's change in nDCG@10
from zero-shot to adapted, in order: left of 0 what is lost, right what is gained.</p>{{ drawn.changes }}
{% endif %}{% if drawn.power %}<h3>Power</h3><p class="note">The chance that a true difference of this size is found by
these {{ split }} queries (5 % level, two-sided), from the paired standard deviation.</p>{{ drawn.power }}
{% endif %}{% if drawn.interpolation %}<h3>From base to adapted</h3><p class="note">Weights part of the way between the
two models, measured on dev: nDCG@10, and the share of the queries zero-shot had right that is lost.</p>
{{ drawn.interpolation }}
{% endif %}{% if drawn.curve %}<h3>dev pool while training</h3>{{ drawn.curve }}{% endif %}"""


def figures(metrics: Mapping[str, Any], per_query: pl.DataFrame | None) -> dict[str, Any]:
    """Name to figure, in the order of the page; only those there is something to draw for."""
    splits = [split for split in SPLITS if split in metrics]
    found = {"scores": _scores(metrics, splits)} if splits else {}
    if splits and per_query is not None:
        found["changes"] = _changes(
            values(per_query, splits[-1], "adapted") - values(per_query, splits[-1], "zero_shot")
        )
    known = {a: t for a, t in metrics.get("power", {}).get(splits[-1], {}).items() if t["smallest"]} if splits else {}
    if known:
        found["power"] = _power(known)
    if "interpolation" in metrics:
        found["interpolation"] = _interpolation(metrics["interpolation"])
    if metrics["dev_pool"]:
        found["curve"] = _curve(metrics["dev_pool"])
    return found


def section(metrics: Mapping[str, Any], drawn: Mapping[str, Any]) -> Any:
    """Markup of all of them and the table of scores."""
    splits = [split for split in SPLITS if split in metrics]
    judged = metrics.get("judged", {})
    rows = [
        (split, arm, row, judged.get(split, {}).get("arms", {}).get(arm))
        for split in splits for arm, row in metrics[split].items()
    ]  # fmt: skip
    return rendered(TEMPLATE, drawn=drawn, rows=rows, arms=ARMS, split=splits[-1] if splits else "")


def _scores(metrics: Mapping[str, Any], splits: list[str]) -> Any:
    import plotly.graph_objects as go

    bars = [
        go.Bar(
            name=title, x=splits, y=[metrics[s][arm]["ndcg@10"] for s in splits], marker_color=COLOURS[arm],
            texttemplate="%{y:.3f}",
        )
        for arm, title in ARMS.items()
    ]  # fmt: skip
    return laid_out(go.Figure(bars).update_yaxes(title="nDCG@10", range=[0, 1]), 320)


def _changes(deltas: np.ndarray) -> Any:
    import plotly.graph_objects as go

    places = np.unique(np.linspace(0, len(deltas) - 1, min(MOST, len(deltas))).round().astype(int))
    ordered = np.sort(deltas)[places].round(4)
    line = {"x": (places + 1).tolist(), "mode": "lines", "line": {"width": 0}, "fill": "tozeroy", "hoverinfo": "y"}
    figure = go.Figure([
        go.Scatter(y=np.minimum(ordered, 0).tolist(), name="lost", fillcolor="#b44d12", **line),
        go.Scatter(y=np.maximum(ordered, 0).tolist(), name="gained", fillcolor=COLOURS["adapted"], **line),
    ])  # fmt: skip
    figure.update_xaxes(title=f"{len(deltas):,} queries").update_yaxes(title="change in nDCG@10")
    return laid_out(figure, 280)


def _power(known: Mapping[str, Mapping[str, Any]]) -> Any:
    import plotly.graph_objects as go

    most = 2 * max(told["smallest"] for told in known.values())
    sizes = np.linspace(0, most, 60)
    lines = [
        go.Scatter(
            x=(100 * sizes).tolist(), y=curve(told["deviation"], told["n"], sizes), name=f"against {BASELINES[arm]}",
            mode="lines", line_color=COLOURS[arm],
        )
        for arm, told in known.items()
    ]  # fmt: skip
    figure = laid_out(go.Figure(lines), 280)
    figure.add_hline(y=0.8, line_dash="dash", line_color=GREY)
    figure.update_xaxes(title="difference in nDCG@10, points")
    return figure.update_yaxes(title="chance to see it", range=[0, 1.02], tickformat=".0%")


def _interpolation(points: list[Mapping[str, float]]) -> Any:
    import plotly.graph_objects as go

    alphas = [point["alpha"] for point in points]
    lost = [point["lost"] / point["right"] if point["right"] else 0.0 for point in points]
    lines = [
        go.Scatter(x=alphas, y=[point["ndcg@10"] for point in points], name="nDCG@10", line_color=COLOURS["adapted"]),
        go.Scatter(x=alphas, y=lost, name="share lost of what was right", line={"color": "#b44d12", "dash": "dot"}),
    ]
    figure = laid_out(go.Figure(lines), 280).update_xaxes(title="share of the way to the adapted weights")
    return figure.update_yaxes(range=[0, 1])


def _curve(points: Mapping[str, float]) -> Any:
    import plotly.graph_objects as go

    line = go.Scatter(
        x=[int(step) for step in points], y=list(points.values()), mode="lines+markers", marker_color=COLOURS["adapted"]
    )
    return laid_out(go.Figure(line).update_xaxes(title="step").update_yaxes(title="nDCG@10 on the dev pool"), 280)
