from collections import Counter, defaultdict

import numpy as np
import pytest

from shoptalk.domain.splits import Sizes, deal
from shoptalk.domain.synonyms import SynonymQuery
from shoptalk.errors import InputError

JUDGED = ("test", "dev", "calibration", "audit")
SIZES = Sizes(60, 40, 20, 200, 30, audit_abbreviations=25, audit_layperson=70, audit_number_twins=40)


def invented(terms: int = 600, abbreviations: float = 0.1, seed: int = 0) -> list[SynonymQuery]:
    draw = np.random.default_rng(seed)
    kinds, chances = ["formal", "layperson", "abbreviation", None], [0.6, 0.39 - abbreviations, abbreviations, 0.01]
    queries = []
    for number in range(terms):
        for at in range(draw.integers(1, 6)):
            kind, component = draw.choice(kinds, p=chances), int(draw.integers(0, at + 1))
            queries.append(SynonymQuery(f"{number}/{at}", f"T{number}", f"{number} {at}", kind, component, ""))
    return queries


QUERIES = invented()
TWINS = {f"T{number}" for number in range(0, 600, 4)}


@pytest.fixture(scope="module", params=[0, 1, 2])
def dealt(request):
    return deal(QUERIES, TWINS, SIZES, request.param)


def kinds(rows):
    return Counter(QUERIES[row].kind for row in rows)


def test_every_query_lies_in_one_split_of_the_size_asked(dealt):
    assert sorted(row for rows in dealt.values() for row in rows) == list(range(len(QUERIES)))
    assert {name: len(dealt[name]) for name in SIZES.splits()} == SIZES.splits()


def test_no_component_lies_in_two_splits(dealt):
    where = defaultdict(set)
    for name, rows in dealt.items():
        for row in rows:
            where[QUERIES[row].term, QUERIES[row].component].add(name)
    assert all(len(names) == 1 for names in where.values())


def test_judged_terms_have_two_components_and_most_keep_one_to_train_on(dealt):
    groups = defaultdict(set)
    for query in QUERIES:
        groups[query.term].add(query.component)
    trained = {QUERIES[row].term for name in ("train", "intents") for row in dealt[name]}
    for name in JUDGED:
        for row in dealt[name]:
            query = QUERIES[row]
            assert len(groups[query.term]) > 1
            lonely = query.term not in trained
            assert not lonely or any(QUERIES[r].kind == "abbreviation" for n in JUDGED for r in dealt[n])
    lonely = {QUERIES[row].term for name in JUDGED for row in dealt[name]} - trained
    for term in lonely:
        assert any(q.term == term and q.kind == "abbreviation" for q in QUERIES)


def test_kinds_are_a_third_each_where_there_are_enough(dealt):
    for name in ("test", "dev", "calibration"):
        third, found = len(dealt[name]) / 3, kinds(dealt[name])
        assert found["abbreviation"] == pytest.approx(third, abs=1.5)
        assert found["layperson"] == pytest.approx(third, abs=2.5)
    audit = dealt["audit"]
    assert kinds(audit)["abbreviation"] >= 25
    assert kinds(audit)["layperson"] >= 70
    assert sum(QUERIES[row].term in TWINS for row in audit) >= 40


def test_scarce_abbreviations_go_to_the_audit_first_and_are_shared_by_size():
    queries = invented(abbreviations=0.03, seed=3)
    dealt = deal(queries, set(), SIZES, 0)
    found = {name: sum(queries[row].kind == "abbreviation" for row in dealt[name]) for name in JUDGED}
    assert found["audit"] == 25
    assert 20 > found["test"] > found["dev"] > found["calibration"] > 0
    assert {name: len(dealt[name]) for name in SIZES.splits()} == SIZES.splits()


def test_the_seed_alone_decides():
    assert deal(QUERIES, TWINS, SIZES, 5) == deal(list(QUERIES), set(TWINS), SIZES, 5)
    assert deal(QUERIES, TWINS, SIZES, 5)["test"] != deal(QUERIES, TWINS, SIZES, 6)["test"]


def test_few_queries_fill_what_they_can():
    few = invented(terms=12)
    dealt = deal(few, set(), SIZES, 0)
    assert sum(map(len, dealt.values())) == len(few)
    assert dealt["test"]


def test_no_query_gives_empty_splits():
    assert not any(deal([], set(), SIZES, 0).values())


@pytest.mark.parametrize(
    ("given", "said"),
    [({"tests": 3}, "sizes.tests is not known"), ({"dev": 0}, "1 or more"), ({"audit": -1}, "audit=-1")],
)
def test_bad_sizes_are_one_sentence(given, said):
    with pytest.raises(InputError, match=said):
        Sizes.of(given)
