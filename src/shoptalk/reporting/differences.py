"""``diff.html`` and its tables: two runs side by side."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, JustifyMethod
from rich.table import Table
from rich.text import Text

from shoptalk.differing import Differences
from shoptalk.reporting.narrow import Folding
from shoptalk.reporting.pages import queries
from shoptalk.reporting.pages.frame import LIMIT, Section, page, rendered

MOST = 10
"""Queries and options printed of each kind."""

HEAD = """<p class="verdict">{{ sentence }}</p>
{% if alone %}<p class="note">{{ alone|count }} queries that only one of the two runs measured are left out.</p>
{% endif %}"""
OPTIONS = """<h2>Options that differ</h2>{% if config %}
<table class="sortable"><thead><tr><th>option</th><th class="left">{{ names[0] }}</th>
<th class="left">{{ names[1] }}</th></tr></thead>
<tbody>{% for name, values in config.items() %}<tr><td>{{ name }}</td><td class="left">{{ values[0] }}</td>
<td class="left">{{ values[1] }}</td></tr>
{% endfor %}</tbody></table>{% else %}<p>None that decides a figure.</p>{% endif %}"""
PAIRS = """<h2>Training pairs that changed</h2>
<table><thead><tr><th>source</th><th>in both</th><th>in {{ names[0] }} alone</th>
<th>in {{ names[1] }} alone</th></tr></thead>
<tbody>{% for source, n in pairs.items() %}<tr><td>{{ source }}</td><td>{{ n.both|count }}</td>
<td>{{ n.first|count }}</td><td>{{ n.second|count }}</td></tr>
{% endfor %}</tbody></table>
{% if examples %}<h3>Those drawn most often</h3>
<table class="sortable"><thead><tr><th>source</th><th class="left">in the</th><th class="left">query</th>
<th class="left">document</th><th>times drawn</th></tr></thead><tbody>
{% for source, side, query, document, drawn in examples %}<tr><td>{{ source }}</td>
<td class="left">{{ names[side == "second"] }}</td>
<td class="left">{{ query[:300] }}</td><td class="left">{{ document }}</td><td>{{ drawn }}</td></tr>
{% endfor %}</tbody></table>{% endif %}"""


def page_of(found: Differences) -> str:
    """``diff.html``: verdict, queries with their documents before and after, options, pairs."""
    head = rendered(HEAD, sentence=sentence(found), alone=found.alone)
    rest = [
        Section("options", "Options", rendered(OPTIONS, names=found.names, config=found.config)),
        Section("pairs", "Pairs", rendered(PAIRS, names=found.names, pairs=found.pairs, examples=found.examples)),
    ]
    title, subtitle = "Two runs", f"First {found.names[0]}, second {found.names[1]}; corpus {found.corpus}."
    room = LIMIT - len(page(title, subtitle, head, rest).encode()) - queries.OVERHEAD
    names = {"first": f"first: {found.names[0]}", "second": f"second: {found.names[1]}"}
    browser = queries.section(found.per_query, found.ranked, names, "first", "second", room)
    return page(title, subtitle, head, [Section("queries", "Queries", browser), *rest])


def sentence(found: Differences) -> str:
    """The paired difference with its verdict, and what was won and lost."""
    told, lost, (first, second) = found.difference, found.lost, found.names
    words = {"better": "is better than", "worse": "is worse than", "inconclusive": "cannot be told from"}
    return (
        f"On {told.n:,} {found.split} queries {second} {words[told.verdict]} {first}: {100 * told.mean:+.1f} "
        f"points of nDCG@10 (95 % interval {100 * told.low:+.1f} to {100 * told.high:+.1f}, p = {told.p_value:.4f}). "
        f"Of {lost['right']} queries that {first} had right {lost['lost']} are lost, and of {lost['wrong']} others "
        f"{lost['won']} are won."
    )


def tables(found: Differences) -> Group:
    """The same for a terminal: the largest losses and gains, options, counts of pairs."""
    changed = found.queries.filter(found.queries["change"] != 0)
    lost = changed.head(MOST).filter(changed.head(MOST)["change"] < 0)
    gained = changed.tail(MOST).filter(changed.tail(MOST)["change"] > 0).reverse()
    rows = [
        [query, f"{first:.3f}", f"{second:.3f}", f"{change:+.3f}"]
        for _, query, first, second, change in [*lost.iter_rows(), *gained.iter_rows()]
    ]
    options = [[name, *values] for name, values in list(found.config.items())[:MOST]]
    left = f" ({MOST} of {len(found.config)})" if len(found.config) > MOST else ""
    pairs = [[source, f"{n['both']:,}", f"{n['first']:,}", f"{n['second']:,}"] for source, n in found.pairs.items()]
    return Group(
        _table(f"Queries of {found.split} that changed most, nDCG@10", ["query", *found.names, "change"], rows),
        _table(f"Options that differ{left}", ["option", *found.names], options, "left"),
        _table("Training pairs", ["source", "in both", *(f"{name} alone" for name in found.names)], pairs),
        Text(sentence(found), style="bold"),
    )


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], side: JustifyMethod = "right") -> Table:
    table = Table(title=title, title_justify="left")
    for place, head in enumerate(heads):
        table.add_column(Folding(head), justify="left" if place == 0 else side)
    for row in rows:
        table.add_row(*(Folding(str(cell)[:200]) for cell in row))
    return table
