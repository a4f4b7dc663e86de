"""Turns of phrase: what people type in place of a title's words, and nothing that tells twins apart."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.sources.pairs import Voice
from shoptalk.sources.synthetic.generators import RulesGenerator
from shoptalk.sources.synthetic.material import REAL, Material, Order
from shoptalk.sources.synthetic.phrases import numbered
from shoptalk.sources.synthetic.rules import RULES, Reading
from shoptalk.sources.synthetic.turns import Turns, ends_of, learned

PARTS = ("pump", "valve", "gear", "hose")
SWAPPED = [(f"Hydraulic {part} 4", f"fluid {part} 4") for part in PARTS[:3]]
FRAMED = [(f"Abnormal {part} shape", f"Defect of the {part}") for part in PARTS[:3]]


def turned(turns: Turns, title: str, draws: int = 40) -> set[str | None]:
    made = (turns.applied(title.split(), np.random.default_rng(seed)) for seed in range(draws))
    return {" ".join(tokens) if tokens else None for tokens in made}


def test_a_phrase_is_swapped_where_three_titles_were_and_by_the_share_of_them():
    turns = learned([*SWAPPED, ("Hydraulic hose 4", "hydraulic hose 4")])
    assert turns == Turns({("hydraulic",): {("fluid",): 0.75}}, {})
    assert turned(turns, "hydraulic lid") == {"fluid lid"} and turned(turns, "metal lid") == {None}
    assert learned(SWAPPED[:2]) == learned([]) == Turns() and not Turns()


def test_the_same_title_counts_once_however_often_it_was_asked():
    assert not learned([SWAPPED[0], (SWAPPED[0][0], "fluid pump no 4"), (SWAPPED[0][0], "fluid pump 4 the")])
    assert learned(SWAPPED * 5) == learned(SWAPPED)


def test_both_ends_are_turned_together():
    turns = learned([*FRAMED, ("Abnormal hose shape", "hose")])
    ends = {(("abnormal",), ("shape",)): {(("defect", "of", "the"), ()): 0.75}}
    assert turns == Turns({}, ends) and turned(turns, "abnormal spindle shape") == {"defect of the spindle"}
    assert turned(turns, "abnormal shape") == {None}, "nothing stands between"


def test_what_is_people_s_already_is_turned_no_further_and_the_rest_by_its_share():
    turns = Turns({("broad",): {("wide",): 1.0}, ("wide",): {("broad",): 1.0}, ("lid",): {("cap",): 0.5}})
    assert turned(turns, "broad") == {"wide"} and turned(turns, "broad lid") == {"wide lid", "wide cap"}


def test_a_query_that_leaves_words_out_or_adds_some_teaches_no_swap():
    assert not learned([(f"Hydraulic {part} kit in big box", f"fluid {part}") for part in PARTS])
    assert learned([(f"Hydraulic {part} of ship", f"fluid {part} of the ship") for part in PARTS])


def test_numbers_are_never_turned():
    assert not learned([(f"{part} 4 bar", f"{part} 90 psi") for part in PARTS])
    assert not learned([(f"Abnormal {part} 4", f"{part} defect") for part in PARTS])


WORDS = st.lists(st.sampled_from(["a", "of", "hydraulic", "pump", "fluid", "4", "90", "big", "lid"]), max_size=7)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=30), WORDS, st.integers(0, 9))
def test_any_pairs_give_shares_up_to_1_and_queries_with_the_title_s_numbers(pairs, title, seed):
    turns = learned(((" ".join(one), " ".join(other)) for one, other in pairs), least=1)
    shares = [share for table in (turns.swaps, turns.frames) for found in table.values() for share in found.values()]
    assert all(0 < share <= 1 for share in shares)
    made = turns.applied(title, np.random.default_rng(seed))
    assert made is None or sorted(filter(numbered, made)) == sorted(filter(numbered, title))


@given(WORDS)
def test_ends_leave_a_word_between(title):
    found = ends_of(tuple(title))
    assert len(set(found)) == len(found) and all(0 < len(a) + len(b) <= min(4, len(title) - 1) for a, b in found)
    assert all(tuple(title[: len(a)]) == a and tuple(title[len(title) - len(b) :]) == b for a, b in found)


def material(real: list[tuple[str, str]], said: list[str] | None = None) -> Material:
    titles = [title for title, _ in SWAPPED] + ["Hydraulic lid 7"]
    known = Corpus([f"d{k}" for k in range(4)], titles, ["It leaks."] * 4)
    table = pl.DataFrame([(q, d, "keyword") for q, d in real], schema=REAL, orient="row")
    voice = Voice(say=(said if said is not None else []).append)
    return Material(known, Cache("unused"), table, None, 0, voice)


def test_rules_word_a_silent_document_as_people_word_others():
    said: list[str] = []
    known = material([(query, f"d{k}") for k, (_, query) in enumerate(SWAPPED)], said)
    writer = RulesGenerator({"spoken": 40, "dropped": 1}).prepared(known)
    ((one,),) = writer.write([Order("Hydraulic lid 7", "It leaks.", [None])], 0)
    assert (one.query, one.form) == ("fluid lid 7", "spoken")
    assert said == ["Rules learned 1 turns of phrase from 3 real queries."]


@pytest.mark.parametrize("seed", range(3))
def test_without_real_queries_rules_write_as_if_there_were_no_such_rule(seed):
    orders = [Order(title, "A thing of the sea, also known as a buoy.", [None, None]) for title, _ in SWAPPED + FRAMED]
    rules = {name: 1.0 for name in RULES if name != "spoken"}
    with_it, without = (RulesGenerator(shares).prepared(material([])) for shares in ({"spoken": 40.0, **rules}, rules))
    assert with_it.write(orders, seed) == without.write(orders, seed)


def test_spoken_does_not_apply_where_nothing_was_learned():
    doc = Reading("Hydraulic lid", "", None, {})
    assert RULES["spoken"](doc, np.random.default_rng(0)) is None
