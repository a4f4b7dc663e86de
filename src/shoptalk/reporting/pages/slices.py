"""The section on slices: every one with its n, its arms, its interval, and a mark where it resolves too little."""

from collections.abc import Mapping
from typing import Any

from shoptalk.comparing import SMALL
from shoptalk.reporting.pages.frame import rendered
from shoptalk.reporting.plots import laid_out
from shoptalk.reporting.tables import COLOURS, SPLITS
from shoptalk.slicing import SHATTERED

Slices = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]

TEMPLATE = """{% if tables %}<h2>Slices</h2>
{{ drawn }}
<p class="note">Bars are 95 % intervals of the gain of {{ treated }} over {{ over }} in points of nDCG@10. Slices in
grey, and in italics below, resolve too little: they hold fewer than {{ SMALL }} queries, or their gain is
inconclusive and so many queries would not show (80 % power) even the gain over all queries. Of twenty slices without
any change one looks changed by chance; p (Holm) is corrected for all slices of a split.{% if "jargon" in columns %}
Under jargon, a query is shattered where the base model's tokenizer makes {{ SHATTERED }} pieces or more of a word.{%
endif %}{% if "document" in columns %} Under document, it is unseen where no relevant document stands in a training
pair.{% endif %}</p>
{% for split, rows in tables %}<h3>{{ split }}</h3>
<table class="sortable"><thead><tr><th>slice</th><th class="left">value</th><th>n</th>
{% for name in arms.values() %}<th>{{ name }}</th>{% endfor %}<th>gain, points</th><th>95 % interval</th>
<th>p (Holm)</th><th>smallest shown</th></tr></thead><tbody>
{% for column, value, cell in rows %}<tr{% if cell.small %} class="small"{% endif %}><td>{{ column }}</td>
<td class="left">{{ value }}{% if cell.small %} (too small){% endif %}</td><td>{{ cell.n|count }}</td>
{% for arm in arms %}<td>{% if arm in cell %}{{ cell[arm]|score }}{% endif %}</td>{% endfor %}
{% if cell.gain %}<td data-by="{{ cell.gain["ndcg@10"] }}">{{ cell.gain["ndcg@10"]|signed }}</td>
<td data-by="{{ cell.gain.ci95[0] }}">{{ cell.gain.ci95[0]|signed }} to {{ cell.gain.ci95[1]|signed }}</td>
<td>{{ "%.4f"|format(cell.holm) }}</td>
<td>{% if cell.smallest is not none %}{{ "%.1f"|format(100 * cell.smallest) }}{% endif %}</td>
{% else %}<td></td><td></td><td></td><td></td>{% endif %}</tr>
{% endfor %}</tbody></table>
{% endfor %}{% endif %}"""


def figures(told: Slices, over: str) -> dict[str, Any]:
    """``slices``, the gains on the last split, where there are any.

    Args:
        told: split to column to value to ``n``, arms, and what ``comparing.slice_gains`` gives.
        over: title of the baseline.
    """
    rows = _rows(told)
    return {"slices": _gains(rows[-1][1], over)} if rows else {}


def section(told: Slices, drawn: Mapping[str, Any], names: Mapping[str, str], treated: str, over: str) -> Any:
    """Markup, the last split first; empty without slices.

    Args:
        names: arm to title, in the order of the columns; ``treated`` is the title of that whose gain is shown.
    """
    tables = list(reversed(_rows(told)))
    filled = {"tables": tables, "drawn": drawn.get("slices", ""), "arms": names, "treated": treated, "over": over}
    columns = {column for _, rows in tables for column, _, _ in rows}
    return rendered(TEMPLATE, **filled, columns=columns, SMALL=SMALL, SHATTERED=SHATTERED)


def _rows(told: Slices) -> list[tuple[str, list[tuple[str, str, Mapping[str, Any]]]]]:
    found = []
    for split in (split for split in SPLITS if told.get(split)):
        columns = told[split].items()
        rows = [(column.replace("_", " "), value, cell) for column, parts in columns for value, cell in parts.items()]
        found.append((split, rows))
    return found


def _gains(rows: list[tuple[str, str, Mapping[str, Any]]], over: str) -> Any:
    import plotly.graph_objects as go

    known = [(f"{column}: {value} (n={cell['n']})", cell) for column, value, cell in rows if "gain" in cell][::-1]
    means = [100 * cell["gain"]["ndcg@10"] for _, cell in known]
    low, high = ([100 * cell["gain"]["ci95"][side] for _, cell in known] for side in (0, 1))
    figure = go.Figure(
        go.Scatter(
            x=means, y=[name for name, _ in known], mode="markers", hoverinfo="x+y",
            marker={"size": 9, "color": ["#9aa5b1" if cell["small"] else COLOURS["adapted"] for _, cell in known]},
            error_x={"array": [h - m for h, m in zip(high, means, strict=True)],
                     "arrayminus": [m - lo for m, lo in zip(means, low, strict=True)], "color": "#9aa5b1"},
        )
    )  # fmt: skip
    figure.add_vline(x=0, line_color="#9aa5b1", line_dash="dash")
    return laid_out(figure.update_xaxes(title=f"gain over {over}, points of nDCG@10"), 110 + 24 * len(known))
