import pytest

from shoptalk.sources.forms import form


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
