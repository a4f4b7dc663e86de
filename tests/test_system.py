"""What the process takes of the machine."""

import platform
import subprocess
import sys

import pytest

GIVEN_BACK = """
import numpy as np
from shoptalk.system import give_back_memory, set_threads

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

set_threads(1)
parts = [np.ones(1 << 21) for _ in range(16)]
full = resident()
del parts[:]
kept = resident()
give_back_memory()
assert full - kept < 1 << 26, (full, kept)
assert kept - resident() > 3 << 26, (kept, resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries keep no freed memory")
def test_freed_memory_is_kept_until_it_is_given_back():
    done = subprocess.run([sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
