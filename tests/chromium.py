"""Pages as a browser shows them; for tests that are passed over where there is no Chromium."""

import re
import shutil
import subprocess

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDED = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")]


def shown(address, folder):
    """The page's elements once its script has run, and what its console said."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    command += ["--virtual-time-budget=20000", "--enable-logging=stderr", "--v=0", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, timeout=180)
    return done.stdout.decode(), re.findall(r'CONSOLE.*?"(.*)"', done.stderr.decode("utf-8", "replace"))
