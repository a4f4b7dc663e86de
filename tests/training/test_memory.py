import gc
import weakref

import torch
from torch import nn

from shoptalk import system
from shoptalk.models.ragged import Ragged
from shoptalk.training import memory


class Wide(nn.Module):
    """Keeps 400 bytes for each token of a text, and as much again for each text."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(100))

    def start(self, texts):
        def vectors(rows, prompt_length):
            part = texts.take(rows)
            tokens = (self.weight * torch.ones(len(part.values), 100)).exp()  # keeps its result
            return torch.stack([piece.sum(0) for piece in tokens.split(part.lengths.tolist())]).exp()

        return vectors


def test_what_a_token_keeps_is_measured_on_the_longest_texts():
    texts = Ragged.of([[1] * size for size in [3] * 500 + [50] * 40])
    found = memory.bytes_per_token(Wide(), texts)
    # The factor of the weight's gradient is kept as well: 400 bytes for the ones, 400 for exp, 400 / 50 for each text.
    assert found == 400 + 400 + 400 / 50


def test_measuring_lets_the_weights_go():
    encoder = Wide()
    weights = [weakref.ref(weight) for weight in encoder.parameters()]
    memory.bytes_per_token(encoder, Ragged.of([[1] * 50] * 4))
    del encoder
    gc.collect()
    assert weights and not any(weight() is not None for weight in weights)


def test_free_memory_is_less_than_there_is():
    import os

    free = memory.free_bytes(torch.device("cpu"))
    assert 0 < free <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert not memory.fits(free, torch.device("cpu")) and memory.fits(1, torch.device("cpu"))


def test_chunks_are_halved_until_they_fit(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 2 * 300 * 1000)
    cpu = torch.device("cpu")
    assert memory.chunk_tokens(10, cpu) == memory.FASTEST["cpu"]
    assert memory.chunk_tokens(1000, cpu) == 256
    assert memory.chunk_tokens(1e9, cpu) == 1


def test_a_container_has_the_memory_its_limit_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(system, "_CGROUP", tmp_path)
    assert system._free_in_group() > 1 << 50
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert memory.free_bytes(torch.device("cpu")) == 3000
    (tmp_path / "memory.max").write_text("max\n")
    assert system._free_in_group() > 1 << 50
