from contextlib import contextmanager

import numpy as np
from tiny_models import bert, texts

from shoptalk import embedding
from shoptalk.cache import Cache
from shoptalk.embedding import CachedEmbed, once
from shoptalk.models.loading import load_encoder


def test_texts_asked_for_again_are_not_embedded_again():
    asked = []

    def embed(texts, kind):
        asked.append((kind, list(texts)))
        return np.full((len(texts), 2), len(asked))

    remembered = once(embed)
    assert remembered(["a", "b"], "query")[0, 0] == remembered(("a", "b"), "query")[0, 0] == 1
    for number, (lines, kind) in enumerate([(["a"], "query"), (["a"], "document"), (["a", "b"], "query")], start=2):
        assert remembered(lines, kind)[0, 0] == number
    assert len(asked) == 4


def test_many_vectors_are_made_and_written_block_by_block(tmp_path, monkeypatch):
    encoder, lines, titles, told = load_encoder(bert(tmp_path / "bert")), texts(2500, longest=2), [], []

    @contextmanager
    def bar(title):
        titles.append(title)
        yield lambda done, of: told.append((done, of))

    whole = encoder.embed(lines, "document")
    monkeypatch.setattr(embedding, "_BLOCK_BYTES", 4 * 32 * 700)
    sizes, embed_ids = [], type(encoder).embed_ids

    def counted(self, ids, *args, **more):
        sizes.append(len(ids))
        return embed_ids(self, ids, *args, **more)

    monkeypatch.setattr(type(encoder), "embed_ids", counted)
    found = CachedEmbed(encoder, Cache(tmp_path / "cache"), 1, bar)(lines, "document")
    np.testing.assert_allclose(found, whole, atol=1e-6)
    assert sizes == [700, 700, 700, 400] and isinstance(found, np.memmap) and not found.flags.writeable
    assert titles == ["embedding 2,500 document texts"] and told[-1] == (2500, 2500) and told == sorted(told)
    again = CachedEmbed(encoder, Cache(tmp_path / "cache"), 1, bar)(lines, "document")
    assert len(sizes) == 4 and np.array_equal(again, found)


def test_a_precision_asked_for_is_used_and_keeps_its_own_vectors(tmp_path):
    encoder, lines, cache = load_encoder(bert(tmp_path / "bert")), texts(40), Cache(tmp_path / "cache")
    coarse, fine = (CachedEmbed(encoder, cache, 1, precision=name) for name in ("bf16", "fp32"))
    assert coarse.key(lines, "query") != fine.key(lines, "query")
    for embed in (coarse, fine):
        expected = encoder.embed(lines, "query", precision=embed.precision)
        np.testing.assert_allclose(embed(lines, "query"), expected, atol=1e-6)
    assert np.abs(coarse(lines, "query") - fine(lines, "query")).max() > 1e-4
