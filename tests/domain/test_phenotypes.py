from collections import Counter, defaultdict

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from shoptalk.cache import Cache
from shoptalk.configs import root
from shoptalk.domain.obo import packaged_hp_obo, read_terms
from shoptalk.domain.ontology import read_ontology
from shoptalk.domain.phenotypes import Phenotypes
from shoptalk.domain.synonyms import components
from shoptalk.domain.text import normalise
from shoptalk.domain.wording import words
from shoptalk.errors import InputError

SIZES = {"test": 20, "dev": 10, "calibration": 5, "audit": 30, "train": 15, "audit_abbreviations": 5}
JUDGED = ("test", "dev", "calibration", "audit")


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory):
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def invented(obo_path, shared_cache):
    return lambda **given: Phenotypes(**{"sizes": SIZES, "obo": str(obo_path), **given}).load(shared_cache)


@pytest.fixture(scope="module")
def real(shared_cache):
    return Phenotypes().load(shared_cache)


def everything(domain):
    return {**domain.splits, "intents": domain.intents}


def content(domain):
    return {name: (split.ids, split.texts, split.qrels, split.columns) for name, split in everything(domain).items()}


def test_figures_of_the_packaged_ontology(real):
    assert len(real.notices) == 1 and "licence" in real.notices[0]
    assert len(real.corpus) == 19034
    assert real.counts == {
        "terms": 19034,
        "removed_obsolete_terms": 450,
        "terms_with_definition": 16449,
        "synonyms": 23512,
        "removed_not_exact": 2434,
        "removed_plural_form": 166,
        "removed_uk_spelling": 1014,
        "removed_same_as_name": 1137,
        "removed_several_terms": 3,
        "removed_repeated": 71,
        "queries": 18687,
        "queries_formal": 11972,
        "queries_layperson": 6148,
        "queries_abbreviation": 560,
        "queries_of_other_types": 7,
        "terms_with_queries": 9744,
        "documents": 19034,
    }


def test_splits_of_the_packaged_ontology(real):
    sizes = {name: len(split) for name, split in real.splits.items()}
    assert sizes == {"test": 300, "dev": 200, "calibration": 100, "audit": 2000, "train": 300}
    assert len(real.intents) == 18687 - sum(sizes.values())
    audit = {name: Counter(values) for name, values in real.splits["audit"].columns.items()}
    assert audit["query_kind"]["abbreviation"] >= 250
    assert audit["query_kind"]["layperson"] >= 700
    assert audit["number_twin"]["yes"] >= 400
    for name in ("test", "dev", "calibration"):
        kinds = Counter(real.splits[name].columns["query_kind"])
        assert abs(kinds["formal"] - kinds["layperson"]) <= 2
        assert kinds["abbreviation"] > 0
    trained = {doc for split in (real.splits["train"], real.intents) for row in split.qrels.values() for doc in row}
    for name in JUDGED:
        kept = [doc in trained for row in real.splits[name].qrels.values() for doc in row]
        assert sum(kept) / len(kept) > 0.97


def test_no_spelling_and_no_component_lies_in_two_splits(real):
    seen, texts = Counter(), defaultdict(list)
    for name, split in everything(real).items():
        seen.update({normalise(text) for text in split.texts})
        for query_id, text in zip(split.ids, split.texts, strict=True):
            texts[query_id.split("/")[0]].append((words(text), name))
    assert max(seen.values()) == 1
    for members in texts.values():
        groups = components([text for text, _ in members], 0.6)
        assert len({(group, name) for group, (_, name) in zip(groups, members, strict=True)}) == len(set(groups))


def test_documents_and_relations_are_those_of_the_file(invented, obo_path):
    domain, (terms, _) = invented(), read_terms(obo_path)
    parents = {term.id: set(term.parents) for term in terms}
    assert domain.name == "phenotypes"
    assert list(domain.corpus.ids) == [term.id for term in terms]
    assert list(domain.corpus.titles) == [term.name for term in terms]
    assert list(domain.corpus.texts) == [term.definition for term in terms]
    assert domain.unrecorded == {}
    for a in parents:
        near = {b for b in parents if b != a and (b in parents[a] or a in parents[b] or parents[a] & parents[b])}
        assert list(domain.neighbours[a]) == sorted(near)


def test_queries_answer_the_term_that_records_them(invented, obo_path):
    owner = {synonym.text: term.id for term in read_terms(obo_path)[0] for synonym in term.synonyms}
    for split in everything(invented()).values():
        assert [split.qrels[q] for q in split.ids] == [{owner[text]: 1} for text in split.texts]


def test_columns_have_one_value_a_query(invented):
    domain = invented()
    owners = {doc for split in everything(domain).values() for row in split.qrels.values() for doc in row}
    assert set(domain.traffic) == owners
    assert sum(domain.traffic.values()) == pytest.approx(1)
    for split in everything(domain).values():
        assert {len(values) for values in split.columns.values()} == {len(split)}
        for query_id, level in zip(split.ids, split.columns["traffic"], strict=True):
            (doc,) = split.qrels[query_id]
            assert (level == "none") == (domain.traffic[doc] == 0)
    assert {"yes", "no"} == set(domain.intents.columns["number_twin"])


def test_the_seed_decides_splits_and_traffic_and_nothing_else(invented):
    first, again, other = invented(seed=1), invented(seed=1), invented(seed=2)
    assert content(first) == content(again)
    assert first.traffic == again.traffic
    assert first.identity == again.identity
    assert first.splits["test"].ids != other.splits["test"].ids
    assert first.traffic != other.traffic
    assert first.identity != other.identity
    assert first.corpus.digest == other.corpus.digest


def test_silence_of_whole_sections_moves_traffic_and_no_query(real, shared_cache):
    domain = Phenotypes(silent="sections").load(shared_cache)
    assert {name: (s.ids, s.qrels) for name, s in everything(domain).items()} == {
        name: (s.ids, s.qrels) for name, s in everything(real).items()
    }
    assert domain.identity != real.identity and "ask for nothing in" in domain.notices[-1]
    told = set(domain.notices[-1].partition("sections: ")[2][:-1].split(", "))
    ontology = read_ontology(packaged_hp_obo(), shared_cache)
    of = dict(zip(ontology.ids, ontology.sections, strict=True))
    assert all((share == 0) == bool(told & set(of[doc])) for doc, share in domain.traffic.items())
    for split in domain.splits.values():
        for row, level in zip(split.positives(), split.columns["traffic"], strict=True):
            assert (level == "none") == (domain.traffic[row[0]] == 0)


def test_split_documents_record_one_half(invented):
    whole, halved = invented(), invented(split_documents=True)
    assert halved.name == "phenotypes-split"
    assert {name: split.ids for name, split in everything(halved).items()} == {
        name: split.ids for name, split in everything(whole).items()
    }
    defined = sum(bool(text) for text in whole.corpus.texts)
    assert len(halved.corpus) == len(whole.corpus) + defined
    assert len(halved.unrecorded) == 2 * defined
    assert all(halved.unrecorded[other] == doc for doc, other in halved.unrecorded.items())
    for doc, title, text in zip(halved.corpus.ids, halved.corpus.titles, halved.corpus.texts, strict=True):
        assert (bool(title), bool(text)) == (doc.endswith("#name"), doc.endswith("#definition"))
    recorded = {doc for row in halved.intents.qrels.values() for doc in row}
    assert {doc.split("#")[1] for doc in recorded} == {"name", "definition"}
    assert recorded <= set(halved.traffic)
    for name, split in everything(halved).items():
        for row in split.qrels.values():
            halves = 2 if name in JUDGED and next(iter(row)) in halved.unrecorded else 1
            assert len(row) == halves
    some = next(iter(halved.unrecorded))
    assert {doc.split("#")[0] for doc in halved.neighbours[some]} == set(whole.neighbours[some.split("#")[0]])


def test_another_file_and_unfilled_splits_are_said(invented):
    notices = invented(sizes={**SIZES, "audit": 5000}).notices
    assert any("is not release" in notice for notice in notices)
    assert any("The audit split holds" in notice and "of the 5,000" in notice for notice in notices)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seed": -1}, "domain.seed=-1"),
        ({"seed": 0.5}, "domain.seed=0.5"),
        ({"split_documents": "yes"}, "split_documents=yes"),
        ({"silent": "both"}, "silent=both"),
        ({"obo": "nowhere.obo"}, r"nowhere\.obo"),
        ({"log": "nowhere.parquet"}, r"domain\.log=nowhere\.parquet"),
    ],
)
def test_bad_settings_are_one_sentence(invented, given, said):
    with pytest.raises(InputError, match=said):
        invented(**given)


def test_an_ontology_without_synonyms_is_one_sentence(tmp_path, cache):
    path = tmp_path / "bare.obo"
    path.write_text("format-version: 1.2\n\n[Term]\nid: IN:1\nname: lonely\n")
    with pytest.raises(InputError, match="no query is left for the test split"):
        Phenotypes(obo=str(path)).load(cache)
    path.write_text("format-version: 1.2\n")
    with pytest.raises(InputError, match="holds no living term"):
        Phenotypes(obo=str(path)).load(cache)


def test_the_config_builds_the_domain_with_its_defaults():
    built = instantiate(OmegaConf.load(root() / "conf" / "domain" / "phenotypes.yaml"))
    assert vars(built) == vars(Phenotypes())
