"""Text of others within markdown."""

import re
from collections.abc import Sequence

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def inline(text: object) -> str:
    """``text`` within a line, shown as it is: nothing in it is markup of CommonMark, of tables, of math, or HTML."""
    line = " ".join(str(text).split())
    return re.sub(r"[\\`*\[\]{}|~$]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", line).translate(_HTML)


def escaped(text: object) -> str:
    """``inline`` at the start of a line, where more is markup: headings, lists, rules."""
    line = re.sub(r"^([#+\-=])", r"\\\1", inline(text))
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", line)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], words: int = 1) -> str:
    """A table of GitHub's kind; after the first ``words`` columns numbers stand, to the right."""
    lines = [columns, *rows]
    head, *body = [f"| {' | '.join(inline(cell) or ' ' for cell in line)} |" for line in lines]
    return "\n".join([head, "|" + "---|" * words + "---:|" * (len(columns) - words), *body])
