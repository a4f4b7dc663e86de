"""Two gloo processes that share each batch end where one process ends."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoptalk.errors import InputError
from shoptalk.training.ranks import shares
from shoptalk.training.settings import STRATEGIES

WORKER = Path(__file__).with_name("processes_worker.py")


def started(folder: Path, processes: int) -> list[dict[str, dict[str, list]]]:
    """The weights every process ends with, by way."""
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = []
    for rank in range(processes):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        if processes > 1:
            environment |= {
                "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes), "GROUP_RANK": "0",
                "LOCAL_WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
                "TORCHELASTIC_RUN_ID": "test",
            }  # fmt: skip
        command = [sys.executable, str(WORKER), str(folder)]
        running.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    for process in running:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said[-2000:]
    return [json.loads((folder / f"weights-{rank}.json").read_text()) for rank in range(processes)]


@pytest.mark.slow
def test_two_processes_end_where_one_ends_also_when_they_encode_twice(tmp_path):
    [one] = started(tmp_path / "one", 1)
    first, second = started(tmp_path / "two", 2)
    assert first == second
    assert one["plain"]["refresh 2"] > 0 and "refresh 4" in one["cached"]
    for way, weights in one.items():
        for name, weight in weights.items():
            np.testing.assert_allclose(first[way][name], weight, rtol=1e-5, atol=1e-7, err_msg=f"{way} {name}")


@given(st.lists(st.integers(1, 99), min_size=1, max_size=30), st.integers(1, 6))
def test_every_item_has_one_rank_and_none_is_idle_that_need_not_be(costs, ranks):
    given_to = shares(costs, ranks)
    assert sorted(item for items in given_to for item in items) == list(range(len(costs)))
    assert sum(not items for items in given_to) == max(0, ranks - len(costs))
    loads = [sum(costs[item] for item in items) for items in given_to]
    assert max(loads) - min(loads) <= max(costs)


def test_the_strategy_must_fit_how_many_were_started():
    with pytest.raises(InputError, match="started 2 times together: choose trainer=ddp"):
        STRATEGIES["single"](2)
    with pytest.raises(InputError, match="torchrun --nproc-per-node"):
        STRATEGIES["ddp"](1)
    STRATEGIES["single"](1), STRATEGIES["ddp"](2)
