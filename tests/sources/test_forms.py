import pytest

from shoptalk.errors import InputError
from shoptalk.sources.forms import Forms, form


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("what is a fugue", "question"),
        ("enharmonic equivalent?", "question"),
        ("can a tuba play high c", "question"),
        ("Will Smith", "keyword"),
        ("HP:0001234", "identifier"),
        ("ISO-9001", "identifier"),
        ("error-404", "identifier"),
        ("BRCA1", "identifier"),
        ("E11.9", "identifier"),
        ("AMoL", "abbreviation"),
        ("T-ALL", "abbreviation"),
        ("e.g.", "abbreviation"),
        ("McArdle", "keyword"),
        ("4th finger", "keyword"),
        ("3-methylglutaconic", "keyword"),
        ("loose bolts", "keyword"),
        ("the engine does not start", "sentence"),
        ("Paint peels off the door.", "sentence"),
        ("  deposition   of calcium ", "keyword"),
        ("", "keyword"),
    ],
)
def test_forms(query, expected):
    assert form(query) == expected


def test_own_rules_come_first():
    own = Forms([{"form": "part number", "pattern": r"^[A-Z]{2}-\d+$"}, {"form": "size", "pattern": r"\bmm$"}])
    assert [own(query) for query in ("AB-12", " AB-12 ", "bolt 5  mm", "ISO-90x1")] == [
        "part number", "part number", "size", "identifier"
    ]  # fmt: skip
    assert form("AB-12") == "identifier"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"form": "x"}, "must hold a form and a pattern"),
        ({"form": "", "pattern": "x"}, "must hold a form and a pattern"),
        ({"form": "x", "pattern": "("}, r"before\.0\.pattern cannot be read"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(rule, said):
    with pytest.raises(InputError, match=said):
        Forms([rule])
