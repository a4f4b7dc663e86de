"""The browser of queries: a table to sort and search, each query with the documents found before and after."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from shoptalk.comparing import HEADLINE, JUDGED
from shoptalk.reporting.pages.frame import rendered
from shoptalk.reporting.pages.scripts import BROWSE
from shoptalk.retrieval.metrics import MEASURES
from shoptalk.shipping import FALL, RIGHT

SHORT, LONGEST = 160, 5_000
"""Characters of a query shown at once, and at most."""

BROWSED = ("dev", "test")
"""Splits whose queries are shown one by one."""
OVERHEAD = 20_000
"""Bytes of this section without any query, and some to spare."""

TEMPLATE = (
    """<h2>Queries</h2>
<p class="note">A click on a query, or Enter, shows what was found for it before and after; a click on a heading sorts.
nDCG@10 is 1 where the best documents stand first. Documents are followed by their id, their score and how their
rank moved; a grade is a judgment, and a document without one was not judged.{% if left_out %} {{ left_out|count }} of
{{ total|count }} queries are left out so that this file stays small, those that changed least; they are in
<code>per_query.parquet</code> and <code>ranked.parquet</code>.{% endif %}</p>
<noscript><p>This table needs JavaScript; the same lies in <code>per_query.parquet</code>.</p></noscript>
<div id="queries-browser"><div class="filters">
<label>search queries and documents <input class="words" type="search"></label>
<label>split <select class="split"><option value="">all</option>
{% for name in splits %}<option>{{ name }}</option>{% endfor %}</select></label>
<label>slice <select class="slice"><option value="">all</option>
{% for name in slices %}<option value="{{ loop.index0 }}">{{ name }}</option>{% endfor %}</select></label>
<label>change <select class="kind"><option value="">all</option><option value="gained">gained</option>
<option value="lost">lost</option><option value="right-lost">lost, though right before</option>
<option value="same">unchanged</option><option value="none">nothing relevant in ten</option></select></label></div>
<p role="status"></p>
<table aria-label="Queries"><thead><tr>{% for key, name in columns %}
<th data-key="{{ key }}"{% if key in ("query", "split") %} class="left"{% endif %} aria-sort="{{ "ascending" if
key == "change" else "none" }}"><button type="button">{{ name }}</button></th>{% endfor %}</tr></thead>
<tbody></tbody></table>
<button type="button" class="more" hidden>Show 50 more</button></div>
<script type="application/json" id="queries-told">{{ told }}</script>
<script>"""
    + BROWSE
    + "</script>"
)


def section(
    per_query: pl.DataFrame,
    ranked: pl.DataFrame,
    names: Mapping[str, str],
    before: str,
    after: str,
    room: int,
) -> Any:
    """Markup of the browser; empty where no query was measured.

    Args:
        per_query: ``comparing.judge``'s table, of the splits to show.
        ranked: ``comparing.shown``'s table.
        names: arm to its title, in the order of the columns; those beside ``before`` and ``after`` may lack queries.
        before: the arm that changes are counted from; ``after`` is the one they lead to.
        room: bytes that the queries may take; those that changed least are left out.
    """
    from markupsafe import Markup

    if not per_query.height:
        return Markup("")
    rows, slices = _rows(per_query, ranked, list(names), before, after)
    kept, documents = _fitting(rows, list(names).index(before), list(names).index(after), room)
    told = {
        "arms": list(names), "names": dict(names), "before": before, "after": after, "right": RIGHT, "fall": FALL,
        "short": SHORT, "documents": documents, "rows": kept,
    }  # fmt: skip
    columns = [("query", "query"), ("split", "split"), *names.items(), ("change", "change")]
    return rendered(
        TEMPLATE,
        told=Markup(escaped(told)),
        columns=columns,
        splits=per_query["split"].unique(maintain_order=True).to_list(),
        slices=slices,
        left_out=len(rows) - len(kept),
        total=len(rows),
    )


def escaped(content: Any) -> str:
    """JSON that may stand inside ``<script>``: nothing in it can end the element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _rows(
    per_query: pl.DataFrame, ranked: pl.DataFrame, arms: Sequence[str], before: str, after: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """A row per query with its figures and documents, in the table's order, and the names of all slices."""
    plain = {"split", "arm", "query_id", "query", JUDGED, *MEASURES}
    columns = [name for name in per_query.columns if name not in plain]
    scores = {
        (s, a, q): round(v, 4) for s, a, q, v in per_query.select("split", "arm", "query_id", HEADLINE).iter_rows()
    }
    lists = {
        (s, a, q): list(zip(zip(ids, titles, strict=True), found, grades, strict=True))
        for s, a, q, ids, found, grades, titles in ranked.filter(pl.col("arm").is_in([before, after]))
        .select("split", "arm", "query_id", "doc_ids", "scores", "grades", "titles").iter_rows()
    }  # fmt: skip
    slices: dict[str, int] = {}
    rows = []
    for one in per_query.filter(arm=after).iter_rows(named=True):
        split, query_id, query = one["split"], one["query_id"], one["query"]
        inside = [f"{name.replace('_', ' ')}: {one[name]}" for name in columns if one[name] is not None]
        rows.append({
            "split": split, "id": query_id, "query": query[:LONGEST], "cut": max(len(query) - LONGEST, 0),
            "values": [scores.get((split, arm, query_id)) for arm in arms],
            "slices": [slices.setdefault(name, len(slices)) for name in inside],
            "found": {arm: lists.get((split, arm, query_id), []) for arm in dict.fromkeys((before, after))},
        })  # fmt: skip
    return rows, list(slices)


def _fitting(
    rows: Sequence[dict[str, Any]], before: int, after: int, room: int
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """The rows that changed most, as many as fit, in the given order, and the documents they name by number."""
    numbers: dict[tuple[str, str], int] = {}
    kept: dict[int, dict[str, Any]] = {}
    changes = [abs(row["values"][after] - row["values"][before]) for row in rows]
    for place in sorted(range(len(rows)), key=lambda at: -changes[at]):
        row = rows[place]
        named = dict.fromkeys(document for some in row["found"].values() for document, _, _ in some)
        fresh = {document: len(numbers) + at for at, document in enumerate(d for d in named if d not in numbers)}
        known = {document: numbers.get(document, fresh.get(document)) for document in named}
        found = {arm: [[known[d], round(score, 4), grade] for d, score, grade in some]
                 for arm, some in row["found"].items()}  # fmt: skip
        coded = {**row, "found": found}
        room -= len(escaped([coded, list(fresh)]).encode())
        if room < 0:
            break
        numbers |= fresh
        kept[place] = coded
    return [kept[place] for place in sorted(kept)], list(numbers)
