import numpy as np
import pytest
import tiny_models
import torch

from shoptalk.models import frozen
from shoptalk.models.encoder import Encoder


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_chunk_for_each_core_gives_the_digits_of_one_core(tmp_path, monkeypatch, threads, precision):
    encoder, used, told = Encoder.load(str(tiny_models.bert(tmp_path))), [], []
    texts, side_by_side = tiny_models.texts(60), frozen.side_by_side
    monkeypatch.setattr(frozen, "side_by_side", lambda *given: used.append(given[2]) or side_by_side(*given))
    threads(1)
    alone = encoder.embed(texts, "query", precision=precision, chunk_tokens=100)
    assert not used
    threads(2)
    together = encoder.embed(
        texts, "query", precision=precision, chunk_tokens=100, progress=lambda done, total: told.append(done)
    )
    assert used == [2] and (together == alone).all() and told == sorted(told) and told[-1] == 60
    assert torch.get_num_threads() == 2
    encoder.embed(texts[:2], "query", precision=precision)  # too few for two cores
    assert used == [2]


def test_a_part_that_fails_ends_it_and_leaves_the_threads(threads):
    def unit(rows):
        assert rows[0] != 1, "broken"
        return torch.zeros(len(rows), 1)

    threads(2)
    with pytest.raises(AssertionError, match="broken"):
        list(frozen.side_by_side(unit, [np.array([i]) for i in range(8)], 2))
    assert torch.get_num_threads() == 2
