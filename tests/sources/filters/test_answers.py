"""Answers told from queries, whatever the language, and personal data."""

import pytest
from toy_ground import toy, written

from shoptalk.sources.synthetic import filters
from shoptalk.sources.synthetic.filters.answers import RULES

HORNS = [("red horn", "loud brass"), ("blue horn", "loud brass"), ("", "loud")]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("valve leak\nvalve drips", "several lines"),
        ("```sql\nvalve\n```", "several lines"),
        ("```valve leak```", "code fence"),
        ("`valve leak`", "code fence"),
        ("## valve leak", "markdown"),
        ("**valve leak** causes", "markdown"),
        ("[valve](leak.html)", "markdown"),
        ('{"query": "valve leak"}', "JSON"),
        ("['valve', 'leak']", "JSON"),
        ('"query": valve leak', "JSON"),
        ("- valve leak", "list"),
        ("1. valve leak", "list"),
        ("b) valve leak", "list"),
        ("valve leak <|im_end|>", "chat markup"),
        ("<think>valve leak", "chat markup"),
        ("how to mend [insert part]", "placeholder"),
        ("Search query: valve leak", "label"),
        ("Query 2: valve leak", "label"),
        ("Sure, here you go: valve leak", "explanation"),
        ("Sure! Here's one", "explanation"),
        ("Here is a search query for this document", "explanation"),
        ("As an AI, I have no valve", "explanation"),
        ("I'm an AI assistant", "explanation"),
        ("This query asks for a valve", "explanation"),
        ("I cannot help with valves", "refusal"),
        ("I'm unable to write that", "refusal"),
        ("Sorry, I do not know valves", "refusal"),
        ("N/A", "refusal"),
        ("You are a search expert", "task"),
        ("Write one short query about valves", "task"),
        ('"valve leak"', "quotes"),
        ("“valve leak”", "quotes"),
        ("'valve leak'", "quotes"),
        (" valve leak\n", None),
        ("I cannot log in to my account", None),
        ("sorry justin bieber lyrics", None),
        ("sure deodorant for men", None),
        ("what is a query in SQL?", None),
        ('valve [brass] 3/4"', None),
        ("2.5 inch valve", None),
        ("e.g. valves", None),
        ("C++ vs. C#", None),
        ("-40 degrees oil", None),
        ("how to write a query", None),
        ("'80s music", None),
        ("rock 'n' roll", None),
        ("HP:0001234", None),
        ("answer key algebra", None),
        ("here comes the sun", None),
        ("writer's block", None),
        ("a valve", None),
        ("vitamin b) complex", None),
    ],
)
def test_answers_are_told_from_queries(answer, fault):
    judge = filters.NoQuery()
    assert judge.faults(written((0, answer)), toy(HORNS)) == [fault]
    assert judge.drops(written((0, answer)), toy(HORNS)).tolist() == [fault is not None]


def test_every_rule_of_answers_is_used():
    tried = {mark.args[1][i][1] for mark in test_answers_are_told_from_queries.pytestmark for i in range(33)}
    assert tried == {name for name, _ in RULES}


VALVES = [
    ("Valve leak", "What is it called when the oil of the valve drips? The β-oil is thin and the seat is worn."),
    ("弁の漏れ", "バルブから油が漏れる。USB と V2 の弁。"),
    ("Утечка клапана", "Масло течёт из клапана."),
    ("0815", "4711"),
]


@pytest.mark.parametrize(
    ("row", "query", "fault"),
    [
        (0, "клапан течёт", "script"),
        (0, "弁 漏れ", "script"),
        (0, "ββββ", "script"),  # a lone letter is a symbol
        (0, "β-oil valve", None),
        (1, "バルブ漏れ", None),
        (1, "USB", None),
        (1, "утечка", "script"),
        (2, "leaking valve", "script"),
        (2, "клапан V2", None),
        (3, "leaking valve", None),  # the document has no letters to tell
        (0, "4711", None),
        (0, "la soupape fuit sous le pont", "language"),
        (0, "das Ventil ist undicht", "language"),
        (0, "l'huile sur le pont", "language"),
        (0, "valve oil de seat", None),  # most of its words are known
        (0, "gasket flange rupture", None),  # unknown words alone are jargon
        (0, "aceite pesado", None),  # no function word
    ],
)
def test_another_script_or_language(row, query, fault):
    assert filters.OtherLanguage().faults(written((row, query)), toy(VALVES)) == [fault]


def test_the_corpus_says_which_language_is_its_own():
    german = [("Ventil", "Das Öl tropft aus dem Ventil, und der Sitz ist alt und nicht mehr dicht.")] * 2
    asked = written((0, "what makes this valve leak"), (0, "warum ist mein Ventil alt"))
    assert filters.OtherLanguage().faults(asked, toy(german)) == ["language", None]
    assert filters.OtherLanguage().faults(asked, toy([*german, *VALVES])) == [None, None]


def test_personal_data_is_counted_by_kind():
    told = {
        "write to jane.doe@example.org": "email",
        "call +49 30 1234567 for valves": "phone",
        "card 4111 1111 1111 1111": "card",
        "GB82 WEST 1234 5698 7654 32": "iban",
        "host 93.184.216.34 down": "ip",
        "valve 0445 110 183": None,
        "HP:0001234": None,
    }
    rows = written(*((0, q) for q in told))
    assert filters.PersonalData().faults(rows, toy(HORNS)) == list(told.values())
    reasons = filters.reasons(filters.PersonalData(["email"]), rows, toy(HORNS)).to_list()
    assert reasons == ["personal data: email", *[None] * 6]
