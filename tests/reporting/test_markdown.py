from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from shoptalk.reporting.markdown import escaped, inline, table

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60)
MARKUP = st.text("\\`*_{}[]()<>#+-.!|~$&;=: 1a\"'/", max_size=60)


def one_line(text):
    return " ".join(text.split())


def shown(tokens):
    """What a reader sees of inline tokens, which must be nothing but text."""
    assert {token.type for token in tokens} <= {"text", "text_special", "softbreak"}, tokens
    return "".join(token.content for token in tokens)


@given(TEXT | MARKUP)
@example("# a heading")
@example("1. a list")
@example("- a list")
@example("__0__ a__b__c")
@example("<script>alert(1)</script>")
@example("[a](javascript:alert(1)) ![b](c) <d@e.f> &lt; _g_ **h** `i` ~~j~~")
def test_text_is_shown_as_it_is(text):
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(escaped(text))
    assert shown([child for token in tokens for child in token.children or []]) == one_line(text)
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}


@given(st.lists(st.lists(TEXT | MARKUP, min_size=3, max_size=3), max_size=3))
def test_a_table_holds_its_cells(rows):
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(table(["a", "b", "c"], rows))
    cells = [shown(token.children) for token in tokens if token.type == "inline"]
    assert cells == ["a", "b", "c", *(one_line(cell) for row in rows for cell in row)]


def test_html_never_stands_there_raw():
    assert "<" not in inline("<img src=x onerror=y>") and ">" not in inline("a > b")
