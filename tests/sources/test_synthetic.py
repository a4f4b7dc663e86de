import numpy as np
import polars as pl
import pytest

from shoptalk.cache import Cache
from shoptalk.domain.corpus import Corpus
from shoptalk.domain.judgments import Domain, Judged
from shoptalk.domain.text import normalise
from shoptalk.errors import InputError
from shoptalk.sources.forms import form
from shoptalk.sources.pairs import SCHEMA, Ground, as_pairs
from shoptalk.sources.synthetic import filters
from shoptalk.sources.synthetic.generators import RulesGenerator, Written
from shoptalk.sources.synthetic.material import REAL, Material, Order
from shoptalk.sources.synthetic.phrases import inverted, names, parts, shortened, spans
from shoptalk.sources.synthetic.rules import RULES, Reading, initials
from shoptalk.sources.synthetic.source import SyntheticSource, real_queries
from shoptalk.sources.synthetic.statistics import Statistics

PARTS = ["valve", "spring", "gasket", "piston", "bearing", "flange"]
FAULTS = {"leak": "escape of fluid from", "crack": "a narrow break in", "corrosion": "gradual eating away of"}
PLACES = {"nautical": "a boat at sea", "rail": "a train on tracks", "mill": "a machine that grinds grain"}


def corpus() -> Corpus:
    made = [
        (f"{part}-{fault}-{place}", f"{place.title()} {part} {fault}", f"The presence of {say} the {part} of {where}.")
        for part in PARTS
        for fault, say in FAULTS.items()
        for place, where in PLACES.items()
    ]
    return Corpus(*map(list, zip(*made, strict=True)))


def ground(documents: Corpus | None = None, seed: int = 0, embed=None) -> Ground:
    return Ground(Domain("toy", documents or corpus(), {}), embed, Cache("unused"), seed)


def material(known: Corpus) -> Material:
    return Material(known, Cache("unused"), pl.DataFrame(schema=REAL), None, 0)


def orders(known: Corpus, forms: int | list) -> list[Order]:
    forms = [None] * forms if isinstance(forms, int) else forms
    return [Order(title, text, forms) for title, text in zip(known.titles, known.texts, strict=True)]


def every_rule() -> RulesGenerator:
    return RulesGenerator(dict.fromkeys(RULES, 1.0))


def reading(title: str, text: str = "") -> Reading:
    known = corpus()
    return Reading(title, text, Statistics(known.titles, known.texts), {"NVL": 1, "MVL": 2})


def apply(rule: str, doc: Reading) -> str | None:
    return RULES[rule](doc, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("X", "The presence of rust in a hinge, which squeaks.", [["rust", "in", "a", "hinge"], ["squeaks"]]),
        ("Sonata", "A sonata is a composition for one player.", [["composition", "for", "one", "player"]]),
        ("X", "This term refers to a cracked (or split) pipe; see also Y.", [["cracked", "pipe"]]),
        (
            "X",
            "A boat that carries more than 3.5 tonnes. It is big.",
            [["boat", "carries", "more", "than", "3.5", "tonnes"]],
        ),
        ("X", "A long, thin, and bent beam due to heat.", [["long", "thin", "and", "bent", "beam"], ["heat"]]),
        ("X", "", []),
    ],
)
def test_parts_of_a_definition(title, text, expected):
    assert parts(title, text) == expected


def test_phrases():
    assert shortened(["break", "in", "the", "wall", "of", "the", "upper", "tank"], 5) == ["break", "in", "the", "wall"]
    assert inverted(["size", "of", "the", "cup", "of", "the", "horn"]) == ["horn", "cup", "size"]
    assert inverted(["horn"]) is None and inverted(["of", "horn"]) is None
    assert names("A slur (also known as a legato arc) joins notes, sometimes called a bow.") == ["legato arc", "bow"]
    assert spans("The presence of salt water in the lower deck, i.e. DC-10 flooding") == [
        ["salt", "water"],
        ["lower", "deck"],
        ["DC-10", "flooding"],
    ]


def test_rules_on_one_document():
    doc = reading("Leak of the mill valve", "Escape of fluid from the valve of a machine that grinds grain.")
    assert apply("turned", doc) == "mill valve leak"
    assert apply("described", doc).startswith("escape of fluid from the valve")
    assert apply("keyed", reading("Leak", "")) is None and apply("described", reading("Leak", "")) is None
    assert apply("named", reading("Leak", "A drip, also called seepage.")) == "seepage"
    assert apply("initialed", reading("Nautical valve leak")) == "NVL"
    assert apply("initialed", reading("Mill valve leak")) is None
    assert apply("initialed", reading("Mill valve leak", "A leak (MVL) of a valve.")) == "MVL"
    assert initials("Type 2 valve leak") is None


def test_dropping_never_takes_the_number_that_tells_twins_apart():
    assert "4th" in apply("dropped", reading("Leak of the 4th valve"))
    assert apply("dropped", reading("Leak")) is None


def test_a_title_word_is_replaced_by_what_the_texts_use_for_it():
    titles = [f"Nautical {p} {f}" for p in PARTS for f in FAULTS] + [f"Rail {p} {f}" for p in PARTS for f in FAULTS] * 8
    texts = [f"{f} in the {p} of a boat" for p in PARTS for f in FAULTS] + [
        f"{f} in the {p} of a train" for p in PARTS for f in FAULTS
    ] * 8
    doc = Reading("Nautical horn", "A horn on a boat.", Statistics(titles, texts), {})
    assert apply("replaced", doc) == "boat horn"
    assert apply("replaced", Reading("Nautical horn", "A horn.", doc.statistics, {})) == "boat horn"
    assert apply("replaced", Reading("Nautical boat", "A boat.", doc.statistics, {})) is None
    assert apply("replaced", Reading("Loud horn", "A horn on a boat.", doc.statistics, {})) is None


def test_what_is_written_depends_on_seed_and_document_alone():
    known = corpus()
    writer = every_rule().prepared(material(known))
    whole = writer.write(orders(known, 3), 7)
    assert whole[5:9] == writer.write(orders(known, 3)[5:9], 7)
    assert whole != writer.write(orders(known, 3), 8)
    for title, queries in zip(known.titles, whole, strict=True):
        texts = [normalise(q.query) for q in queries]
        assert len(texts) <= 3 and len({*texts, normalise(title)}) == len(texts) + 1


def test_shares_choose_the_rules():
    known = corpus()
    writer = RulesGenerator({"described": 1, "asked": 0}).prepared(material(known))
    assert {q.form for doc in writer.write(orders(known, 5), 0) for q in doc} == {"described"}


def test_forms_asked_for_come_first_and_the_rest_is_filled():
    known = corpus()
    writer = every_rule().prepared(material(known))
    free, asked = (writer.write(orders(known, forms), 0) for forms in (2, ["question", None]))
    assert not all(form(doc[0].query) == "question" for doc in free)
    for told, plain in zip(asked, free, strict=True):
        assert len(told) == len(plain) and form(told[0].query) == "question"


@pytest.mark.parametrize("shares", [{"rhymed": 1}, {"described": -1}, {"described": float("nan")}, {"described": 0}])
def test_bad_shares_are_refused(shares):
    with pytest.raises(InputError, match=r"generator\.shares"):
        RulesGenerator(shares)


def source(**options) -> SyntheticSource:
    return SyntheticSource(every_rule(), **options)


def test_source_yields_pairs_of_the_documents_it_wrote_for():
    chosen = {"copies": filters.CopiesTitle(), "near": filters.NearDuplicate(0.8), "off": None}
    got = source(documents=20, queries_per_document=2, filters=chosen).read("synthetic", ground())
    assert got.pairs.schema == SCHEMA and got.pairs["query_kind"].null_count() == got.pairs.height
    assert got.pairs["query_form"].null_count() == 0
    assert got.pairs["doc_id"].n_unique() <= 20 and got.pairs.group_by("doc_id").len()["len"].max() <= 2
    assert got.counts["kept"] == got.pairs.height
    assert got.counts["read"] == got.pairs.height + got.rejected.height
    assert got.pairs.equals(source(documents=20, filters=chosen).read("synthetic", ground()).pairs)
    assert not got.pairs.equals(source(documents=20, filters=chosen).read("synthetic", ground(seed=1)).pairs)


def test_of_more_pairs_than_asked_some_are_drawn_and_the_others_told():
    whole, some = (source(documents=30, pairs=n).read("s", ground()) for n in (None, 12))
    assert some.pairs.height == some.counts["kept"] == 12
    assert some.counts["beyond pairs"] == whole.pairs.height - 12
    both = sorted([*some.pairs["query"], *some.rejected.filter(reason="beyond pairs")["query"]])
    assert both == sorted(whole.pairs["query"])
    assert source(documents=30, pairs=1000).read("s", ground()).pairs.equals(whole.pairs)
    assert not some.pairs.equals(source(documents=30, pairs=12).read("s", ground(seed=1)).pairs)


def test_documents_are_nested_and_all_by_default_of_none():
    few, more = (set(source(documents=n).read("s", ground()).pairs["doc_id"]) for n in (10, 30))
    assert few < more
    assert source(documents=None).read("s", ground()).counts["documents"] == len(corpus())


class Dictated:
    """A generator that writes what it is told, in place of a model."""

    def __init__(self, queries):
        self.queries = queries

    def prepared(self, material):
        return self

    def write(self, orders, seed):
        return [[Written(q, "told") for q in self.queries] for _ in orders]


def test_rejected_rows_keep_their_first_reason_and_repeats_are_dropped():
    chosen = {"length": filters.Length(max_words=3), "copies": filters.CopiesTitle()}
    known = Corpus(["a"], ["Mill valve leak"], ["text"])
    told = Dictated(["mill valve leak", "one two three four", "drip", "drip"])
    got = SyntheticSource(told, filters=chosen).read("s", ground(known))
    assert got.pairs["query"].to_list() == ["drip"]
    assert sorted(got.rejected["reason"]) == ["copies a title", "length", "repeated"]


def test_nothing_left_is_said():
    with pytest.raises(InputError, match="none of 54 queries written for 54 documents passed"):
        SyntheticSource(Dictated(["x"]), filters={"r": filters.Repeated(2)}).read("s", ground())
    with pytest.raises(InputError, match="documents=0"):
        source(documents=0)


def test_filters_see_what_was_written_and_pairs_have_one_line():
    told = Dictated([" mill  valve drips\n", "one\ntwo", "call +49 30 1234567"])
    chosen = {"answers": filters.NoQuery(), "personal": filters.PersonalData()}
    got = SyntheticSource(told, filters=chosen).read("s", ground(Corpus(["a"], ["Leak"], ["text"])))
    assert got.pairs["query"].to_list() == ["mill valve drips"]
    assert got.counts["no query: several lines"] == got.counts["personal data: phone"] == 1
    assert got.rejected["query"].to_list() == ["one\ntwo", "call +49 30 1234567"]


def test_what_may_be_learnt_from_is_real_and_no_evaluation_query():
    train = Judged(["1", "2"], ["Loud horn?", "held out"], {"1": {"a": 2, "b": 1}, "2": {"a": 1}})
    test = Judged(["3"], ["Held OUT"], {"3": {"b": 1}})
    known = Corpus(["a", "b"], ["Horn", "Bell"], ["brass", "iron"])
    others = as_pairs(pl.DataFrame({"query": ["ring", "ring", "gone"], "doc_id": ["b", "b", "z"]}), "clicks")
    toy = Ground(Domain("toy", known, {"train": train, "test": test}), None, Cache("unused"), 0, others=others)
    assert real_queries(toy).rows() == [("Loud horn?", "a", "question"), ("ring", "b", "keyword")]
    assert real_queries(ground()).schema == REAL
