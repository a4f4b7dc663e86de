"""Sections as one self-contained page."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup
from rich.console import Console

from shoptalk.errors import InputError
from shoptalk.reporting.runs.parts import Section
from shoptalk.reporting.runs.told import Told
from shoptalk.reporting.style import HEAD

TEMPLATE = (
    HEAD
    + """ body { background: Canvas } pre { overflow-x: auto } td.left { min-width: 0 }
</style></head><body><main>
<h1>{{ title }}</h1>
{% for section in sections %}<h2>{{ section.title }}</h2>
{% for part in section.parts %}{% if part.columns is defined %}<table tabindex="0">
<tr>{% for name in part.columns %}<th{{ left if loop.index <= part.words }}>{{ name }}</th>{% endfor %}</tr>
{% for row in part.rows %}<tr>
{% for cell in row %}<td{{ left if loop.index <= part.words }}>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% elif part.text is defined %}<pre tabindex="0">{{ part.text }}</pre>
{% else %}<p{% if section.title == "Verdict" %} class="verdict"{% endif %}>{{ part }}</p>
{% endif %}{% endfor %}{% endfor %}</main></body></html>
"""
)


class Page:
    """Writes the page to a file.

    Args:
        out: the file; one that is there is written anew.
    """

    def __init__(self, out: str):
        self.out = Path(out)

    def __call__(self, title: str, sections: Sequence[Section], runs: Sequence[Told], console: Console) -> None:
        """Write the page and say where.

        Raises:
            InputError: the disk refuses.
        """
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_text(page(title, sections), encoding="utf-8")
        except OSError as error:
            raise InputError(f"out={self.out} cannot be written ({error.strerror}); give another file.") from error
        console.print(str(self.out), style="dim", highlight=False, soft_wrap=True)


def page(title: str, sections: Sequence[Section]) -> str:
    """The whole page; every text in it is escaped."""
    found = Environment(autoescape=True).from_string(TEMPLATE)
    return found.render(title=title, sections=sections, left=Markup(' class="left"'))
