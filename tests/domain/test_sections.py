from shoptalk.domain.obo import Term, packaged_hp_obo, read_terms
from shoptalk.domain.ontology import sections


def term(doc_id: str, *parents: str) -> Term:
    return Term(doc_id, f"name of {doc_id}", "", parents, ())


def test_a_term_is_in_every_section_above_it_and_those_above_sections_in_none():
    terms = [term("root"), term("all", "root"), term("eye", "all"), term("hand", "all"), term("lens", "eye"),
             term("both", "lens", "hand"), term("stray", "gone"), term("below", "stray")]  # fmt: skip
    assert sections(terms) == {
        "root": [], "all": [], "eye": ["name of eye"], "hand": ["name of hand"], "lens": ["name of eye"],
        "both": ["name of eye", "name of hand"], "stray": [], "below": [],
    }  # fmt: skip


def test_a_circle_ends():
    terms = [term("root"), term("all", "root"), term("a", "all", "b"), term("b", "a")]
    assert sections(terms)["b"] == ["name of a"]


def test_sections_of_the_packaged_ontology_are_those_of_a_walk_upwards():
    terms, _ = read_terms(packaged_hp_obo())
    known = {one.id: one for one in terms}
    above: dict[str, set[str]] = {}

    def walked(doc_id: str) -> set[str]:
        if doc_id not in above:
            above[doc_id] = {doc_id}.union(*(walked(p) for p in known[doc_id].parents if p in known))
        return above[doc_id]

    tops = {one.id for one in terms if any("HP:0000001" in known[p].parents for p in one.parents)}
    found = sections(terms)
    assert {known[top].name for top in tops} >= {"Abnormality of the eye", "Abnormality of limbs"}
    for one in terms:
        assert found[one.id] == sorted(known[top].name for top in walked(one.id) & tops)
