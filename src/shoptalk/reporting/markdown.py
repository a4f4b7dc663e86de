"""Text of others within markdown."""

import re
from collections.abc import Sequence

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escaped(text: object) -> str:
    """``text`` on one line, shown as it is: nothing in it is markup of CommonMark, GitHub's tables or math, or HTML."""
    line = " ".join(str(text).split())
    line = re.sub(r"[\\`*\[\]{}|~$]|(?<!\w)_|_(?!\w)", r"\\\g<0>", line).translate(_HTML)
    line = re.sub(r"^([#+\-=])", r"\\\1", line)
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", line)


def code(text: object) -> str:
    """``text`` on one line as a code span, outside of tables."""
    line = " ".join(str(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], words: int = 1) -> str:
    """A table of GitHub's kind; after the first ``words`` columns numbers stand, to the right."""
    lines = [columns, *rows]
    head, *body = [f"| {' | '.join(escaped(cell) or ' ' for cell in line)} |" for line in lines]
    return "\n".join([head, "|" + "---|" * words + "---:|" * (len(columns) - words), *body])
