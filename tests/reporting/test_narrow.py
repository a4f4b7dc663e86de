"""Names that fold, and short figures."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from shoptalk.reporting.narrow import Folding, short


def folded(text, width):
    console = Console(width=width, record=True, file=StringIO())
    console.print(Folding(text))
    return [line.rstrip() for line in console.export_text().splitlines()]


@given(st.text("ab.,:/=@+- ", max_size=60), st.integers(1, 30))
def test_nothing_but_spaces_is_lost_and_every_line_fits(text, width):
    lines = folded(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize("text, lines", [
    ("negatives=ann data=clicks+labels", ["negatives=ann", "data=clicks+", "labels"]),
    ("data.sources.labels._target_", ["data.sources.", "labels._target_"]),
    ("abcdefghijklmnopqrstu", ["abcdefghijklmno", "pqrstu"]),
    ("one\ntwo", ["one", "two"]),
])  # fmt: skip
def test_spaces_come_first_then_punctuation_and_only_then_words_break(text, lines):
    assert folded(text, 15) == lines


def test_what_is_wider_than_its_letters_is_kept_whole():
    assert "".join(folded("冷蔵庫がうるさい", 6)) == "冷蔵庫がうるさい"


@pytest.mark.parametrize("width", [1, 8, 20])
def test_a_table_without_room_is_printed_all_the_same(width):
    table = Table("name", "figure")
    table.add_row(Folding("clicks.ann.s0"), "1.000")
    Console(width=width, file=StringIO()).print(table)


def test_markup_is_no_markup():
    table = Table("name")
    table.add_row(Folding("[red]x[/]"))
    console = Console(width=40, record=True, file=StringIO())
    console.print(table)
    assert "[red]x[/]" in console.export_text()


@pytest.mark.parametrize("value, form, shown", [
    (0.276, "+.3f", "+.276"), (-0.276, "+.3f", "-.276"), (1.0, ".3f", "1.000"), (-1.0, "+.3f", "-1.000"),
    (0.0, "+.3f", "+.000"), (0.9996, ".3f", "1.000"), (10.5, ".3f", "10.500"), (0.12344, "+.4f", "+.1234"),
])  # fmt: skip
def test_figures_lose_the_nought_before_their_point(value, form, shown):
    assert short(value, form) == shown
