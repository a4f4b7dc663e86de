import numpy as np

from shoptalk.embedding import once


def test_texts_asked_for_again_are_not_embedded_again():
    asked = []

    def embed(texts, kind):
        asked.append((kind, list(texts)))
        return np.full((len(texts), 2), len(asked))

    remembered = once(embed)
    assert remembered(["a", "b"], "query")[0, 0] == remembered(("a", "b"), "query")[0, 0] == 1
    for number, (texts, kind) in enumerate([(["a"], "query"), (["a"], "document"), (["a", "b"], "query")], start=2):
        assert remembered(texts, kind)[0, 0] == number
    assert len(asked) == 4
