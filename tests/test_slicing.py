import pytest
from tiny_models import bert

from shoptalk.domain.judgments import Judged
from shoptalk.models.encoder import Encoder
from shoptalk.models.static import StaticEncoder
from shoptalk.slicing import described, word_pieces
from shoptalk.sources.forms import form

TEXTS = ["AMoL", "what is a heart attack?", "blue one", "one two three four five six seven"]
QRELS = {"0": {"d0": 1}, "1": {"d1": 1, "d2": 0}, "2": {"d3": 1, "d2": 2}, "3": {"d2": 0}}


def pieces(words):
    return [len(word) for word in words]


def test_every_query_has_its_form_length_jargon_and_document():
    given = Judged(list("0123"), TEXTS, QRELS, {"query_form": ["own"] * 4, "team": ["a", None, "b", "a"]})
    found = described(given, form, pieces, {"d2"}).columns
    assert found["query_length"] == ["1 word", "4-6 words", "2-3 words", "7 words or more"]
    assert found["document"] == ["unseen", "unseen", "trained on", "unseen"]
    assert found["jargon"] == ["shattered", "shattered", "shattered", "shattered"]
    assert found["query_form"] == ["own"] * 4 and found["team"] == ["a", None, "b", "a"]
    assert described(Judged(["a"], ["one, two!"], {}), form, pieces, ()).columns["jargon"] == ["whole"]


@pytest.mark.parametrize("read", [Encoder.load, StaticEncoder.load])
def test_pieces_are_counted_without_what_stands_around_a_text(tmp_path, read):
    encoder = read(str(bert(tmp_path, prompts={"query": "query: ", "document": "passage: "})))
    coder = Encoder.load(str(tmp_path / "st")).tokenizer
    words = ["a", "kalo", "zzzzqqqq", "12", "vindrapelost"]
    assert word_pieces(encoder)(words) == [len(coder.tokenize(word)) for word in words]
    assert word_pieces(encoder)([]) == []
