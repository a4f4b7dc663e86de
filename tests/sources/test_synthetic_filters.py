"""Each filter drops what it says, as a naive loop does, whatever the order of the rows."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import tiny_models
from composing import CONF, composed
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from toy_ground import toy, written

from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.models.cross_encoder import CrossEncoder
from shoptalk.sources.forms import form
from shoptalk.sources.synthetic import filters
from shoptalk.sources.synthetic.filters.answers import RULES
from shoptalk.sources.synthetic.filters.base import grams, subjects
from shoptalk.sources.synthetic.filters.duplicates import _bands

HORNS = [("red horn", "loud brass"), ("blue horn", "loud brass"), ("", "loud")]


def test_length_titles_and_repeats():
    ground = toy(HORNS)
    lengths = written((0, "x"), (0, "a b c"), (0, "a b c d"), (0, " x\n"))
    assert filters.Length(2, 3).drops(lengths, ground).tolist() == [True, False, True, True]
    titles = written((0, "Red Horn."), (0, "blue horn"), (0, "horn"))
    assert filters.CopiesTitle().drops(titles, ground).tolist() == [True, True, False]
    repeats = written((0, "x"), (1, "X "), (2, "y"), (2, "y"))
    assert filters.Repeated(2).drops(repeats, ground).tolist() == [True, True, False, False]
    generic = written((0, "the loud brass"), (0, "red brass"), (0, "of the"))
    assert filters.Generic(2).drops(generic, ground).tolist() == [True, False, True]
    near = written((0, "a loud red horn"), (0, "a loud red horns"), (1, "a loud red horns"), (0, "tuba"))
    assert filters.NearDuplicate(0.7).drops(near, ground).tolist() == [False, True, False, False]


# --- copies ---

TEXT = "The slow escape of thin oil from the worn seat of a valve, which drips onto the lower deck at night."


@pytest.mark.parametrize(
    ("query", "copied"),
    [
        ("slow escape of thin oil from the worn seat", True),
        ("Slow escape, thin oil: worn seat", True),  # function words and case do not hide it
        ("what is slow escape of thin oil from the worn seat", True),
        ("deck valve oil seat escape slow", False),  # the same words in another order
        ("slow escape of thin oil", False),  # too short a run
        ("slow escape of thin oil worn seat ruins my new white sneakers totally", False),  # the run is half of it
        ("worn valve seat leaking nautical", False),  # the title's words, turned
        ("oil of the valve leak nautical lower deck", False),  # across title and text
    ],
)
def test_a_copy_is_a_long_run_that_is_most_of_the_query(query, copied):
    ground = toy([("Nautical leaking of the worn valve seat", TEXT)])
    assert filters.CopyOverlap(5, 0.8).drops(written((0, query)), ground).tolist() == [copied]


def naive_run(query: list[str], document: list[str]) -> int:
    spans = [query[i:j] for i in range(len(query)) for j in range(i + 1, len(query) + 1)]
    return max((len(s) for s in spans for k in range(len(document)) if document[k : k + len(s)] == s), default=0)


few = st.lists(st.sampled_from(["oil", "deck", "of", "valve", "worn", "the"]), max_size=9).map(" ".join)


@settings(max_examples=50, deadline=None)
@given(few, few, st.lists(few, min_size=1, max_size=4), st.integers(1, 5), st.sampled_from([0.3, 0.6, 1.0]))
def test_copies_are_those_of_a_naive_search(title, text, queries, words, share):
    ground = toy([(title, text), ("other", "other")])
    got = filters.CopyOverlap(words, share).drops(written(*((0, q) for q in queries)), ground)
    runs = [max(naive_run(subjects(q), subjects(field)) for field in (title, text)) for q in queries]
    assert got.tolist() == [r >= words and r >= share * len(subjects(q)) for r, q in zip(runs, queries, strict=True)]


# --- near-duplicates across documents ---

TWINS = [
    ("Missing 4th finger", "The 4th finger is absent."),
    ("Missing 5th finger", "The 5th finger is absent."),
    ("Missing toe", "A toe is absent."),
]


def test_what_tells_documents_apart_keeps_a_query():
    judge, ground = filters.AcrossDocuments(0.75), toy(TWINS)
    both = written((0, "absence of the 4th finger"), (1, "absence of the 5th finger"))
    assert judge.drops(both, ground).tolist() == [False, False]
    one = written((0, "absence of the finger"), (1, "absence of the 5th finger"))
    assert judge.drops(one, ground).tolist() == [True, False]
    none = written((0, "absence of a digit"), (1, "absence of a digit."), (2, "lacks a toe"))
    assert judge.drops(none, ground).tolist() == [True, True, False]
    same = written((0, "absence of a digit"), (0, "absence of a digit."))
    assert judge.drops(same, ground).tolist() == [False, False]
    types = written((0, "digit absent, type I"), (1, "digit absent, type II"), (2, "digit absent, type"))
    assert judge.drops(types, ground).tolist() == [False, False, True]
    copies = toy([TWINS[0], TWINS[0]])
    assert judge.drops(none.head(2), copies).tolist() == [False, False]


def naive_across(rows: pl.DataFrame, documents: list[tuple[str, str]], similarity: float) -> list[bool]:
    passages = [f"{title} {text}".strip() for title, text in documents]
    held = [set(subjects(passage)) for passage in passages]
    seen = [(row, grams(normalise(query)), set(subjects(query))) for row, query in rows.iter_rows()]

    def ambiguous(one, other) -> bool:
        (row, own, said), (other_row, theirs, other_said) = one, other
        own_words = (held[row] - held[other_row]) | {"4th", "5th"}
        telling = (said - other_said) & own_words
        near = len(own & theirs) / len(own | theirs) >= similarity
        return passages[row] != passages[other_row] and near and not telling

    return [any(ambiguous(one, other) for other in seen) for one in seen]


names = st.lists(st.sampled_from(["missing", "finger", "fingers", "4th", "5th", "toe"]), min_size=1, max_size=4)
rows_of_queries = st.lists(st.tuples(st.integers(0, 2), names.map(" ".join)), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(rows_of_queries, st.sampled_from([0.4, 0.6, 0.8, 1.0]), st.randoms())
def test_across_documents_is_the_naive_loop_whatever_the_order(rows, similarity, random):
    judge, ground, table = filters.AcrossDocuments(similarity), toy(TWINS), written(*rows)
    expected = naive_across(table, TWINS, similarity)
    assert judge.drops(table, ground).tolist() == expected
    order = random.sample(range(len(rows)), len(rows))
    assert judge.drops(table[order], ground).tolist() == [expected[i] for i in order]
    kept = table.filter(~pl.Series(expected, dtype=pl.Boolean))
    assert not judge.drops(kept, ground).any()


def test_many_queries_are_compared_as_by_the_naive_loop():
    draw = np.random.default_rng(0)
    vocabulary = [a + b for a in ("ka", "lo", "mi", "ru", "te") for b in ("vin", "dra", "pel", "ost")]
    documents = [(" ".join(draw.choice(vocabulary, 3)), "") for _ in range(60)]
    rows = [(i, " ".join(draw.permutation([*title.split(), "of"]))) for i, (title, _) in enumerate(documents)]
    rows += [((i + 1) % 60, query + "s" * (i % 2)) for i, query in rows]
    table, ground = written(*rows), toy(documents)
    expected = naive_across(table, documents, 0.7)
    assert 10 < sum(expected) < 110
    assert filters.AcrossDocuments(0.7).drops(table, ground).tolist() == expected


@pytest.mark.parametrize("similarity", [0.2, 0.5, 0.8, 0.9, 0.99, 1.0])
def test_bands_miss_hardly_any_pair(similarity):
    bands, rows = _bands(similarity)
    assert bands * rows <= 128 and bands >= 2 and (1 - similarity**rows) ** bands < 1e-6


# --- answers that are no query ---


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


# --- scripts and languages ---

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


# --- personal data ---


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


# --- retrieval ---


def vectors(queries: dict[str, np.ndarray], documents: np.ndarray):
    """An embed that knows each query's vector, and the documents in their order."""
    return lambda texts, kind: documents if kind == "document" else np.array([queries[text] for text in texts])


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
def test_round_trip_and_near_ties_are_those_of_a_full_matrix(seed):
    draw = np.random.default_rng(seed)
    documents, queries = unit(draw.normal(size=(60, 4))), unit(draw.normal(size=(90, 4)))
    documents[30:40] = documents[:10]  # copies
    own = draw.integers(0, 60, 90)
    shapes = ["how is it done {0}", "valve {0}", "HP:{0}", "AD{1}H{2}"]
    asked = [shapes[i % 4].format(i, chr(65 + i % 26), chr(65 + i // 26)) for i in range(90)]
    assert {form(q) for q in asked} == {"question", "keyword", "identifier", "abbreviation"}
    table = written(*zip(map(int, own), asked, strict=True))
    ground = toy([("t", str(i)) for i in range(60)], vectors(dict(zip(asked, queries, strict=True)), documents))
    scores = queries.astype(np.float64) @ documents.T.astype(np.float64)
    better = (scores > scores[np.arange(90), own][:, None] + 1e-9).sum(axis=1)
    depths = {"question": 2, "identifier": 40, "abbreviation": None}
    depth = np.array([depths.get(form(q), 9) or np.inf for q in table["query"]])
    judge = filters.RoundTrip(9, depths)
    assert judge.drops(table, ground).tolist() == (better >= depth).tolist()
    tied = (scores >= scores.max(axis=1)[:, None] - 0.1).sum(axis=1) >= 5
    assert filters.NearTied(5, 0.1).drops(table, ground).tolist() == tied.tolist() and 0 < tied.sum() < 90


def test_ties_with_the_own_document_do_not_count_and_a_small_corpus_drops_nothing():
    same = unit([[1, 0], [1, 0], [1, 0], [0, 1]])
    ground = toy([("t", str(i)) for i in range(4)], vectors({"valve": same[0]}, same))
    table = written((2, "valve"), (3, "valve"))
    assert filters.RoundTrip(1).drops(table, ground).tolist() == [False, True]
    assert filters.RoundTrip(4).drops(table, ground).tolist() == [False, False]
    assert filters.RoundTrip(1, {"keyword": None}).drops(table, ground).tolist() == [False, False]
    assert filters.NearTied(3, 0.0).drops(table, ground).tolist() == [True, True]
    assert filters.NearTied(5, 2.0).drops(table, ground).tolist() == [False, False]


# --- cross-encoder ---


def test_a_cross_encoder_drops_below_its_threshold_and_is_asked_once(tmp_path, monkeypatch):
    name = str(tiny_models.classifier(tmp_path / "model"))
    documents = [(text, "") for text in tiny_models.texts(6, 8)]
    table = written(*((i % 6, q) for i, q in enumerate(tiny_models.texts(12, 4, seed=1))))
    passages = [documents[row][0] for row in table["row"]]
    scores = CrossEncoder.load(name).score(table["query"].to_list(), passages)
    threshold = float(np.median(scores))
    ground = toy(documents, cache=str(tmp_path / "cache"))
    for _ in range(2):
        dropped = filters.CrossEncoder(name, threshold).drops(table, ground)
        assert dropped.tolist() == (scores < threshold).tolist() and dropped.sum() == 6
        monkeypatch.setattr(CrossEncoder, "score", None)
    assert filters.CrossEncoder("/no/model").drops(table.clear(), ground).shape == (0,)
    with pytest.raises(InputError, match=r"filters\.cross_encoder\.name=/no/model: there is no such folder"):
        filters.CrossEncoder("/no/model").drops(table, ground)


# --- all of them ---


def commented() -> dict[str, str]:
    """What the comment above each filter that is off would switch on."""
    lines = (CONF / "data" / "synthetic.yaml").read_text().splitlines()
    off = {line.strip().removesuffix(": null"): above for above, line in pairwise(lines) if line.endswith(": null")}
    return {name: above.strip().removeprefix("# ") for name, above in off.items()}


@pytest.fixture
def every(tmp_path) -> dict:
    """The filters of the shipped configuration, those in its comments included."""
    assert set(commented()) == {"near_tied", "round_trip", "cross_encoder"}
    switched = [f"data.sources.synthetic.filters.{name}={said}" for name, said in commented().items()]
    cfg = composed(tmp_path, "data=synthetic", *switched).data.sources.synthetic.filters
    built = instantiate(OmegaConf.to_container(cfg, resolve=True))
    assert built["round_trip"].depths["abbreviation"] is None
    return {**built, "near_tied": filters.NearTied(2), "round_trip": filters.RoundTrip(1)}


def embed(texts, kind):
    """Letters counted."""
    return unit([[1e-3 + text.lower().count(letter) for letter in "abcdefghilmnoprstuvw"] for text in texts])


ASKED = [
    "valve leak", "Valve leak.", "oil of the valve drips seat", "Sure, here is one: valve", "клапан", "x",
    "valve leaks", "what is it called when the oil of the valve drips thin seat worn", "la soupape fuit sous le pont",
    "jane@example.org", "valve https://a.example", "worn seat",
]  # fmt: skip


def test_order_changes_nothing_and_what_is_kept_is_kept_again(every):
    ground = toy(VALVES, embed)
    table = written(*((row, q) for row in range(3) for q in ASKED))
    order = np.random.default_rng(0).permutation(table.height)
    del every["cross_encoder"]  # needs a model
    for name, one in every.items():
        dropped = one.drops(table, ground)
        assert dropped.dtype == bool and dropped.shape == (table.height,)
        kept = table.filter(~pl.Series(dropped))
        assert not one.drops(kept, ground).any(), name
        assert one.drops(table.clear(), ground).shape == (0,), name
        if name != "near_duplicate":  # of two, the later goes
            assert (one.drops(table[order], ground) == dropped[order]).all(), name


def test_reasons_are_distinct(every):
    assert len({one.reason for one in every.values()}) == len(every)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: filters.Length(0), "filters.length.min_characters=0"),
        (lambda: filters.Generic(0), "filters.generic.documents=0"),
        (lambda: filters.NearDuplicate(0), "filters.near_duplicate.similarity=0"),
        (lambda: filters.AcrossDocuments(1.5), "filters.across_documents.similarity=1.5"),
        (lambda: filters.CopyOverlap(words=0), "filters.copy_overlap.words=0"),
        (lambda: filters.CopyOverlap(share_of_query=True), "filters.copy_overlap.share_of_query=True"),
        (lambda: filters.OtherLanguage(0), "filters.other_language.unknown=0"),
        (lambda: filters.Instructed(-1), "filters.instructed.known=-1"),
        (lambda: filters.PersonalData(["name"]), "filters.personal_data.patterns names 'name'"),
        (lambda: filters.PersonalData(national_ids=["xx"]), "filters.personal_data.national_ids names 'xx'"),
        (lambda: filters.RoundTrip(0), "filters.round_trip.depth=0"),
        (lambda: filters.RoundTrip(depths={"poem": 1}), "filters.round_trip.depths.poem is no form"),
        (lambda: filters.RoundTrip(depths={"keyword": 0}), "filters.round_trip.depths.keyword=0"),
        (lambda: filters.NearTied(0), "filters.near_tied.documents=0"),
        (lambda: filters.NearTied(margin=-0.1), "filters.near_tied.margin=-0.1"),
        (lambda: filters.CrossEncoder("m", float("nan")), "filters.cross_encoder.logit=nan"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused_by_name(make, said):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value).startswith(said)
