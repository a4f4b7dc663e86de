from collections.abc import Sequence

import numpy as np
import pytest

from shoptalk.cache import Cache

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def stanza(doc_id: str, name: str, *lines: str) -> str:
    return "\n".join(["[Term]", f"id: {doc_id}", f"name: {name}", *lines, ""])


def invented_obo(terms: int = 120, seed: int = 0) -> str:
    """Terms named by random letters, with synonyms of all kinds, some of them near-duplicates."""
    draw = np.random.default_rng(seed)

    def word() -> str:
        return "".join(draw.choice(list(LETTERS), size=9))

    def synonyms(kinds: Sequence[str]) -> list[str]:
        texts = [(word() + " " + word(), kind) for kind in kinds]
        texts += [(text + "s", kind) for text, kind in texts[:1] if draw.random() < 0.4]
        return [f'synonym: "{text}" EXACT {kind} []'.replace("  ", " ") for text, kind in texts]

    stanzas = ["format-version: 1.2\n", stanza("IN:0000", "root")]
    for number in range(1, terms):
        name = f"{word()} of the {number}th blip" if number % 7 else f"glom of the {number}th blip"
        kinds = ["", "layperson", "abbreviation", "", "layperson"][: number % 6]
        definition = [f'def: "What {word()} means." []'] if number % 4 else []
        parent = f"is_a: IN:{draw.integers(0, number):04d}"
        stanzas.append(stanza(f"IN:{number:04d}", name, *definition, *synonyms(kinds), parent))
    return "\n".join(stanzas)


@pytest.fixture(scope="session")
def obo_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("obo") / "invented.obo"
    path.write_text(invented_obo())
    return path
