"""What ``report.html`` says of synthetic queries: what became of them, how near they are to real ones, some to read."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment

TEMPLATE = """{% for name, s in told.items() %}<h2>Synthetic queries: {{ name }}</h2>
<p>{{ s.kept|count }} of {{ s.read|count }} queries are kept, for {{ s.documents|count }} documents
({{ s.corpus_coverage|share }} of the corpus).</p>
{% if s.rejected %}<table><tr><th>left out because</th><th>queries</th><th>share</th></tr>
{% for reason, n in s.rejected|dictsort(by="value", reverse=true) %}<tr><td>{{ reason }}</td><td>{{ n|count }}</td>
<td>{{ (n / s.read)|share }}</td></tr>{% endfor %}</table>{% endif %}
<table><tr><th>measure</th><th>synthetic</th><th>real</th><th class="left">meaning</th></tr>
{% for title, own, real, meaning in s|measures %}<tr><td>{{ title }}</td><td>{{ own }}</td><td>{{ real }}</td>
<td class="left">{{ meaning }}</td></tr>{% endfor %}</table>
{% if not s.real %}<p class="note">No real training query is known, so nothing can be said of likeness.</p>{% else %}
<p class="note">Real are {{ s.real.queries|count }} training queries, of other sources and the train judgments.</p>
{% endif %}
{{ drawn["lengths " ~ name] }}{{ drawn["forms " ~ name] }}
<h3>Some to read</h3>
<table><tr><th>query</th><th class="left">written for</th><th class="left">left out because</th></tr>
{% for one in s.samples %}<tr><td>{{ one.query or "–" }}</td><td class="left">{{ one.title }}</td>
<td class="left">{{ one.reason or "kept" }}</td></tr>{% endfor %}</table>
{% endfor %}"""

MEASURES = {
    "distinct_1": ("distinct-1", "different words over all words; more is more varied"),
    "distinct_2": ("distinct-2", "different pairs of words over all of them"),
    "self_similarity": ("self-similarity", "mean cosine of two queries by the base model; less is more varied"),
}
"""Of synthetic and of real queries."""

LIKENESS = {
    "classifier_accuracy": ("told apart", "how often a classifier tells real from synthetic by the base model's "
                            "vectors; 0.5 is ideal, 1 means that they are easily told apart"),
    "length_divergence": ("length divergence", "Jensen-Shannon divergence of the numbers of words in bits; 0 is equal"),
    "form_divergence": ("form divergence", "the same of the forms"),
    "jargon_recall": ("jargon recall", "share of the rare words that people type which synthetic queries use too"),
}  # fmt: skip
"""Of synthetic against real queries."""

_OWN, _REAL = "#0b6e4f", "#9aa5b1"


def figures(told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Name to plotly figure.

    Args:
        told: the block ``synthetic`` of ``metrics.json``: source to its figures.
    """
    found = {}
    for name, one in told.items():
        real = one.get("real", {})
        found[f"lengths {name}"] = _bars(one["words"], real.get("words"), "words of a query")
        found[f"forms {name}"] = _bars(one["forms"], real.get("forms"), "form")
    return found


def section(told: Mapping[str, Mapping[str, Any]], drawn: Mapping[str, Any]) -> Any:
    """Markup of the section, empty without synthetic queries; ``drawn`` holds each of ``figures`` as markup."""
    from markupsafe import Markup

    page = Environment(autoescape=True)
    page.filters |= {"count": "{:,}".format, "share": lambda value: f"{100 * value:.1f} %", "measures": _measures}
    return Markup(page.from_string(TEMPLATE).render(told=told, drawn=drawn))


def _measures(one: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    real = one.get("real", {})
    rows = [(title, _figure(one[key]), _figure(real.get(key)), said) for key, (title, said) in MEASURES.items()]
    return rows + [(title, _figure(real[key]), "", said) for key, (title, said) in LIKENESS.items() if key in real]


def _figure(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"


def _bars(own: Mapping[str, float], real: Mapping[str, float] | None, title: str) -> Any:
    import plotly.graph_objects as go

    from shoptalk.reporting.plots import laid_out

    names = sorted({*own, *(real or {})}, key=lambda name: (int(name) if name.isdigit() else 0, name))
    series = [("synthetic", own, _OWN), *([("real", real, _REAL)] if real else [])]
    bars = [go.Bar(name=word, x=names, y=[part.get(k, 0) for k in names], marker_color=c) for word, part, c in series]
    figure = go.Figure(bars).update_xaxes(title=title, type="category")
    return laid_out(figure.update_yaxes(title="share of queries", tickformat=".0%"), 280)
