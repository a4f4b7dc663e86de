"""What ``report.html`` says of the teacher: measures, reliability, and its own ranking of dev."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jinja2 import Environment

from shoptalk.sources.clicks.diagnosis import wilson

TEMPLATE = """<h2>The teacher</h2>
<p class="note">Calibrated by {{ t.calibration }} on {{ "{:,}".format(t.documents) }} documents of {{ t.queries }}
queries, {{ t.relevant }} of them relevant. Neither the teacher nor the calibration measured here saw the query.</p>
{% if "auc" in t %}<table><tr><th>measure</th><th>value</th><th class="left">meaning</th></tr>
{% for name, value, meaning in measures %}<tr><td>{{ name }}</td><td>{{ "%.3f"|format(value) }}</td>
<td class="left">{{ meaning }}</td></tr>
{% endfor %}</table>
{{ reliability }}
<p class="note">Ten bins of equal weight by probability. Bars are 95 % Wilson intervals that take documents for
independent; those of one query are not, so that the truth may lie further out.</p>
{% else %}<p class="note">Too few queries have a relevant document to say how good the teacher is.</p>{% endif %}
{% if dev %}<p>{{ dev }}</p>{% endif %}
"""

MEANINGS = {
    "auc": ("AUC", "chance that a relevant document scores above another; 0.5 is no better than chance"),
    "brier_skill": ("Brier skill", "share of the base rate's squared error that is gone; 1 is perfect, 0 useless"),
    "brier": ("Brier score", "mean squared error of the probabilities"),
    "log_loss": ("log loss", "mean cross-entropy in nats"),
    "ece": ("ECE", "mean distance between predicted and true share, over the bins below"),
    "base_rate": ("base rate", "share of relevant documents"),
}
_LINE, _GREY = "#0b6e4f", "#9aa5b1"


def figures(told: Mapping[str, Any]) -> dict[str, Any]:
    """Name to plotly figure; empty where nothing was measured.

    Args:
        told: the block ``teacher`` of ``metrics.json``.
    """
    return {"reliability": _reliability(told["bins"])} if "bins" in told else {}


def section(told: Mapping[str, Any], drawn: Mapping[str, Any]) -> Any:
    """Markup of the section, empty without a teacher.

    Args:
        told: the block ``teacher`` of ``metrics.json``.
        drawn: name to markup of each of ``figures``.
    """
    from markupsafe import Markup

    if not told:
        return Markup("")
    measures = [(title, told[name], meaning) for name, (title, meaning) in MEANINGS.items() if name in told]
    page = Environment(autoescape=True).from_string(TEMPLATE)
    dev = _dev(told["dev"]) if "dev" in told else None
    return Markup(page.render(t=told, measures=measures, dev=dev, reliability=drawn.get("reliability", "")))


def _dev(dev: Mapping[str, Any]) -> str:
    difference = dev["difference"]
    low, high = difference["ci95"]
    return (
        f"On {difference['n']} dev queries the teacher orders the base model's {dev['candidates']} best documents with "
        f"nDCG@10 {dev['teacher']:.3f}, the base model itself with {dev['base']:.3f}: "
        f"{100 * difference['ndcg@10']:+.1f} points (95 % interval {100 * low:+.1f} to {100 * high:+.1f}, "
        f"p = {difference['p_value']:.4f}; {difference['verdict']})."
    )


def _reliability(bins: list[Mapping[str, float]]) -> Any:
    import plotly.graph_objects as go

    predicted, relevant, n = (np.array([one[name] for one in bins]) for name in ("predicted", "relevant", "n"))
    low, high = wilson(relevant * n, n)
    error = {"array": high - relevant, "arrayminus": relevant - low, "color": _GREY}
    edge = float(max(predicted.max(), high.max()))
    figure = go.Figure()
    figure.add_scatter(x=[0, edge], y=[0, edge], mode="lines", line={"color": _GREY, "dash": "dash"}, name="perfect")
    figure.add_scatter(
        x=predicted, y=relevant, error_y=error, mode="lines+markers", marker_color=_LINE, name="teacher",
        customdata=n, hovertemplate="predicted %{x:.3f}, relevant %{y:.3f} of %{customdata} documents",
    )  # fmt: skip
    figure.update_xaxes(title="predicted probability", rangemode="tozero")
    figure.update_yaxes(title="share relevant", rangemode="tozero")
    margin = {"l": 10, "r": 10, "t": 30, "b": 10}
    return figure.update_layout(template="plotly_white", height=360, margin=margin)
