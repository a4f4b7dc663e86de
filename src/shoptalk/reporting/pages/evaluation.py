"""``report.html`` of an evaluation: any number of retrievers, from the blocks of a run's page."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from shoptalk import comparing
from shoptalk.reporting.evaluation.table import COSTS as HEADINGS
from shoptalk.reporting.evaluation.table import cost
from shoptalk.reporting.pages import facts, queries, slices
from shoptalk.reporting.pages.frame import LIMIT, Section, page, rendered
from shoptalk.reporting.plots import drawn, laid_out
from shoptalk.retrieval.metrics import MEASURES

HEAD = """{% for sentence in verdicts %}<p class="verdict">{{ sentence }}</p>{% endfor %}
{% if notices %}<ul class="note">{% for notice in notices %}<li>{{ notice }}</li>{% endfor %}</ul>{% endif %}"""

TABLE = """{% for split, arms, over in splits %}<h2>{{ split }}</h2>{{ drawn[split] }}
<table class="sortable"><thead><tr><th>retriever</th><th>nDCG@10</th><th>95 % interval</th><th>recall@100</th>
<th>MRR@10</th><th>over {{ baseline }}, points</th><th>95 % interval</th><th>p (Holm)</th><th>wins</th><th>ties</th>
<th>losses</th><th class="left">verdict</th></tr></thead><tbody>
{% for arm, told in arms.items() %}{% set gain = over.get(arm) %}<tr{% if arm == winner %} class="adapted"{% endif %}>
<td>{{ arm }}</td><td>{{ told["ndcg@10"]|score }}</td>
<td>{{ told.ci95["ndcg@10"][0]|score }} to {{ told.ci95["ndcg@10"][1]|score }}</td>
<td>{{ told["recall@100"]|score }}</td><td>{{ told["mrr@10"]|score }}</td>
{% if gain %}<td data-by="{{ gain["ndcg@10"] }}">{{ gain["ndcg@10"]|signed }}</td>
<td data-by="{{ gain.ci95[0] }}">{{ gain.ci95[0]|signed }} to {{ gain.ci95[1]|signed }}</td>
<td>{{ "%.4f"|format(gain.holm) }}</td><td>{{ gain.wins }}</td><td>{{ gain.ties }}</td><td>{{ gain.losses }}</td>
<td class="left">{{ gain.verdict }}</td>
{% else %}{% for _ in range(6) %}<td></td>{% endfor %}<td class="left">{{ "baseline" if arm == baseline }}</td>
{% endif %}</tr>
{% endfor %}</tbody></table>
{% endfor %}"""

MADE_OF = """<h2>What they are made of</h2><table><thead><tr><th>retriever</th>{% for name in columns %}
<th>{{ name }}</th>{% endfor %}</tr></thead><tbody>{% for arm, told in arms.items() %}<tr><td>{{ arm }}</td>
{% for name in columns %}<td>{{ told.get(name, "")|fact }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
<details><summary>The whole config</summary><pre><code>{{ config }}</code></pre></details>"""


COSTS = """<h2>What they cost</h2>{{ drawn["costs"] }}
<p class="note">Measured here: a query alone, from text to results; memory of a process that holds model and index.</p>
<table class="sortable"><thead><tr><th>retriever</th><th>nDCG@10</th>{% for heading in headings.values() %}
<th>{{ heading }}</th>{% endfor %}</tr></thead><tbody>{% for arm, told in costs.items() %}
<tr{% if arm == winner %} class="adapted"{% endif %}><td>{{ arm }}</td><td>{{ scores[arm]["ndcg@10"]|score }}</td>
{% for name in headings %}<td data-by="{{ told[name] if told[name] is not none }}">{{ told[name]|cost(name) }}</td>
{% endfor %}</tr>{% endfor %}</tbody></table>"""


LABELLED = 8
"""Points that have room for their names; of more they show under the pointer."""


def report_of_evaluation(
    content: Mapping[str, Any], per_query: pl.DataFrame, ranked: pl.DataFrame, config: Mapping[str, Any]
) -> str:
    """The whole page: the verdict, a table and a figure per split, slices, queries of winner against baseline.

    Args:
        content: of ``evaluation.json``: ``corpus``, ``documents``, ``baseline``, ``winner`` (or ``None``), ``arms``,
            the means of each split, ``over_baseline`` and ``notices``.
        per_query: ``comparing.judge``'s table.
        ranked: ``comparing.shown``'s table.
        config: the resolved config.
    """
    splits = [split for split in comparing.SPLITS if split in content]
    baseline, treated = content["baseline"], _treated(content, splits)
    parts = {split: _sliced(per_query, split, baseline, treated) for split in splits}
    figures = {split: _scores(content[split], treated) for split in splits} | slices.figures(parts, baseline)
    costs = content.get("costs", {})
    figures |= {"costs": _costs(costs, content[splits[0]], treated)} if costs else {}
    told, names = drawn(figures), {arm: arm for arm in content[splits[0]]}
    tables = [(split, content[split], content["over_baseline"].get(split, {})) for split in splits]
    columns = list(dict.fromkeys(name for facts_of in content["arms"].values() for name in facts_of))
    first = [
        Section("scores", "Scores", rendered(TABLE, splits=tables, drawn=told, baseline=baseline, winner=treated)),
    ]
    if costs:
        first.append(Section("costs", "Costs", rendered(
            COSTS, {"cost": lambda figure, name: cost(name, figure)}, headings=HEADINGS, costs=costs, drawn=told,
            winner=treated, scores=content[splits[0]])))  # fmt: skip
    rest = [
        Section("slices", "Slices", slices.section(parts, told, names, treated, baseline)),
        Section("made-of", "Retrievers", rendered(
            MADE_OF, {"fact": _fact}, arms=content["arms"], columns=columns, config=facts.as_yaml(config))),
    ]  # fmt: skip
    head = rendered(HEAD, verdicts=verdicts(content), notices=content["notices"])
    title = f"Retrievers on {content['corpus']}"
    subtitle = f"{content['documents']:,} documents; {len(names)} retrievers; baseline {baseline}."
    room = LIMIT - len(page(title, subtitle, head, [*first, *rest]).encode()) - queries.OVERHEAD
    browsed = per_query.filter(pl.col("split").is_in(queries.BROWSED))
    browser = queries.section(browsed, ranked, names, baseline, treated, room)
    return page(title, subtitle, head, [*first, Section("queries", "Queries", browser), *rest])


def verdicts(content: Mapping[str, Any]) -> list[str]:
    """A sentence per split on the winner, or on the best where none was chosen, against the baseline."""
    splits = [split for split in comparing.SPLITS if split in content]
    baseline, arm = content["baseline"], _treated(content, splits)
    chosen = f"{arm}, chosen on dev," if content["winner"] else f"{arm}, the best,"
    told = []
    for split in splits:
        gain = content["over_baseline"].get(split, {}).get(arm)
        if gain is None:
            continue
        words = {"better": "is better than", "worse": "is worse than", "inconclusive": "cannot be told from"}
        low, high = gain["ci95"]
        told.append(
            f"On {gain['n']:,} {split} queries {chosen} {words[gain['verdict']]} {baseline}: "
            f"{100 * gain['ndcg@10']:+.1f} points of nDCG@10 (95 % interval {100 * low:+.1f} to {100 * high:+.1f})."
        )
    return told or [f"{baseline}, the baseline, is the best of {len(content[splits[0]])} retrievers on {splits[0]}."]


def _treated(content: Mapping[str, Any], splits: list[str]) -> str:
    """The winner; where none was chosen, the arm with the highest nDCG@10."""
    scores = content[splits[0]]
    return content["winner"] or max(scores, key=lambda arm: scores[arm]["ndcg@10"])


def _sliced(per_query: pl.DataFrame, split: str, baseline: str, treated: str) -> dict[str, Any]:
    plain = {"split", "arm", "query_id", "query", comparing.JUDGED, *MEASURES}
    columns = [name for name in per_query.columns if name not in plain]
    means = comparing.slices(per_query, split, columns)
    if treated == baseline:
        return means
    gains = comparing.slice_gains(per_query, split, columns, baseline, treated)
    return {c: {value: {**cell, **gains[c][value]} for value, cell in parts.items()} for c, parts in means.items()}


def _fact(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _scores(arms: Mapping[str, Mapping[str, Any]], treated: str) -> Any:
    import plotly.graph_objects as go

    names = list(reversed(arms))
    means = [arms[arm]["ndcg@10"] for arm in names]
    low, high = ([arms[arm]["ci95"]["ndcg@10"][side] for arm in names] for side in (0, 1))
    bar = go.Bar(
        x=means, y=names, orientation="h", marker_color=["#0b6e4f" if arm == treated else "#9aa5b1" for arm in names],
        error_x={"array": [h - m for h, m in zip(high, means, strict=True)],
                 "arrayminus": [m - lo for m, lo in zip(means, low, strict=True)], "color": "#52606d"},
    )  # fmt: skip
    figure = laid_out(go.Figure(bar), 90 + 30 * len(names))
    return figure.update_xaxes(title="nDCG@10 with its 95 % interval", range=[0, 1])


def _costs(costs: Mapping[str, Mapping[str, Any]], scores: Mapping[str, Mapping[str, float]], treated: str) -> Any:
    """Quality against latency: who is left and high is good and quick."""
    import plotly.graph_objects as go

    arms = [arm for arm, told in costs.items() if told["p95_ms"] is not None]
    points = go.Scatter(
        x=[costs[arm]["p95_ms"] for arm in arms], y=[scores[arm]["ndcg@10"] for arm in arms], text=arms,
        mode="markers+text" if len(arms) <= LABELLED else "markers", textposition="top center",
        marker={"size": 10, "color": ["#0b6e4f" if arm == treated else "#9aa5b1" for arm in arms]},
    )  # fmt: skip
    figure = laid_out(go.Figure(points), 360)
    return figure.update_xaxes(title="ms of 95 in 100 queries", type="log").update_yaxes(title="nDCG@10")
