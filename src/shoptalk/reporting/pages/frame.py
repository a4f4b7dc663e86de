"""A page of sections: one file, its scripts and styles inlined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment

from shoptalk.reporting.pages.scripts import SCROLL, SORT
from shoptalk.reporting.style import HEAD

LIMIT = 5_950_000
"""Bytes of a page, at most, where it holds something that can be cut."""

STYLE = """ nav a { margin-right: 1rem; display: inline-block } a { color: inherit }
 h2 { margin-top: 2.5rem } ul.reasons { padding-left: 1.2rem } figure { margin: 0; min-width: 0 }
 .verdict strong { text-transform: uppercase; letter-spacing: .03em }
 .verdict.stay { border-color: var(--red) } .verdict.unclear { border-color: #c9a227 }
 th button { all: unset; cursor: pointer; font-weight: 600 }
 :is(th button, td button, a, summary, pre, table, input, select):focus-visible { outline: 2px solid #5b8def }
 th[aria-sort=ascending] button::after { content: " ▲" } th[aria-sort=descending] button::after { content: " ▼" }
 table.sortable td:not(.left) { white-space: nowrap } table.sortable td:first-child { white-space: normal }
 tr.small td { color: var(--soft); font-style: italic }
 pre { overflow-x: auto; padding: .6rem 1rem; border: 1px solid var(--line); font-size: .85rem }
 .filters { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end }
 .filters label { display: grid; gap: .2rem; font-size: .9rem; min-width: 0 }
 .filters :is(input, select), .more { font: inherit; padding: .3rem .5rem; max-width: 100%; color: inherit;
  background: transparent; border: 1px solid var(--soft); border-radius: 4px }
 .filters option { color: black; background: white }
 td button.query { all: unset; cursor: pointer; display: block; min-width: 11rem; max-width: 30rem;
  overflow-wrap: anywhere } td button.query::before { content: "▸ " }
 td button.query[aria-expanded=true]::before { content: "▾ " }
 .found { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: 0 1.5rem;
  max-width: min(56rem, calc(100vw - 4.5rem)); position: sticky; left: .8rem;
  text-align: left; overflow-wrap: anywhere }
 .found ol { padding-left: 1.6rem; margin: .3rem 0 } .found li { margin: .2rem 0 } .found h4 { margin: .5rem 0 0 }
 bdi { unicode-bidi: isolate }
"""

TEMPLATE = (
    HEAD
    + STYLE
    + """</style></head><body>
<main>
<h1>{{ title }}</h1>
<p class="note">{{ subtitle }}</p>
{{ head }}
<nav aria-label="Sections">{% for one in sections %}<a href="#{{ one.anchor }}">{{ one.title }}</a>
{% endfor %}</nav>
{% for one in sections %}<section id="{{ one.anchor }}" aria-label="{{ one.title }}">
{{ one.markup }}
</section>
{% endfor %}</main>
<script>"""
    + SORT
    + SCROLL
    + """</script>
</body></html>
"""
)


@dataclass(frozen=True)
class Section:
    """A part of a page: its name in the address and in the list of sections, and its markup with its own heading."""

    anchor: str
    title: str
    markup: Any


def page(title: str, subtitle: str, head: Any, sections: Sequence[Section]) -> str:
    """The whole page; sections without markup are left out.

    Args:
        head: markup of what stands above all sections: the verdict.
    """
    told = [one for one in sections if str(one.markup).strip()]
    filled = {"title": title, "subtitle": subtitle, "head": head, "sections": told}
    return Environment(autoescape=True).from_string(TEMPLATE).render(filled)


def rendered(template: str, filters: dict[str, Any] | None = None, **named: Any) -> Any:
    """``template`` as markup, everything ``named`` escaped."""
    from markupsafe import Markup

    jinja = Environment(autoescape=True)
    jinja.filters |= {"count": "{:,}".format, "score": "{:.3f}".format, "signed": _signed, **(filters or {})}
    return Markup(jinja.from_string(template).render(named))


def _signed(value: float) -> str:
    """A difference of scores in points."""
    return f"{100 * value:+.1f}"
